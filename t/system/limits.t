#!/usr/bin/perl
# How much may be sent, against stolen passwords: exact with 50 sessions at once, over a reload, when edge is killed
# and when all is; per class of network, per address, per account.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib 't/lib';
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Process qw(free_port wait_until command_output);
use Poterne::Slapd;
use Poterne::Smtp;

plan skip_all => 'slapd is not installed' if !Poterne::Slapd::there();

use constant { PASSWORD => 'Correct-Horse-7', SESSIONS => 50, TO => 'friend@univ.example',
    EICAR => 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*' };

my $root = tempdir( 'poterne-limits-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my @certificate = ( '-keyout', "$root/key.pem", '-out', "$root/cert.pem" );
my ( $failed, $why ) =
    command_output( qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mx.poterne.example), @certificate );
plan skip_all => "openssl makes no certificate: $why" if $failed;
chmod 0644, "$root/key.pem";

my $person = \&Poterne::Slapd::person;
my @policy = map { "$_\n" } 'dn: cn=policy,' . Poterne::Slapd::BASE, 'objectClass: person', 'objectClass: pwdPolicy', 'cn: policy', 'sn: policy',
    'pwdAttribute: userPassword', '';
my $slapd = Poterne::Slapd->new(
    "$root/slapd",
    join( '', @policy, map { $person->( $_, "mail: $_\@univ.example", 'userPassword: ' . PASSWORD ) } qw(jean anne friend boss) ),
    ppolicy => 1
);
my $submissions = free_port();
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    sections => "\nldap staff {\n" . $slapd->settings( snapshot => '0', login => '"(|(mail=%a)(uid=%u))"' ) . "}\n",
    settings => {
        ''         => { managers => '{ boss@univ.example }' },
        smtp       => { tls_certificate => qq("$root/cert.pem"), tls_key => qq("$root/key.pem"), errors_limit => 10000, client_sessions_limit => 200 },
        submission => {
            listen_tls      => "{ 127.0.0.1:$submissions }",
            failure_delay   => '1s',
            failures_limit  => 10,
            guesses_network => 12,
            guesses_account => 8
        },
        limits     => { shared => '{ 127.0.0.0/8 }' },
        gate       => {
            xclient_from  => '{ 127.0.0.1 }',
            webmail       => '{ 10.0.0.1 }',
            relays        => '{ 10.0.1.0/24 }',
            inside        => '{ 10.0.0.0/8 }',
            tarpit        => '0',
            harvest_limit => '0',
        },
    },
    domains => { 'univ.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['# none'], directory => 'ldap staff' } },
);
$gateway->start;

# A session that comes from there.
sub session_from {
    my ($ip) = @_;
    my $smtp = $gateway->smtp;
    $smtp->hello;
    my ($code) = $smtp->command("XCLIENT ADDR=$ip");
    die "XCLIENT: $code\n" if $code != 220;
    $smtp->{greeted} = 0;
    $smtp->hello;
    return $smtp;
}

# How often `line` is accepted of so many times; the last reply stands in $$last.
sub accepted {
    my ( $smtp, $times, $line, $last ) = @_;
    my $n = 0;
    for ( 1 .. $times ) {
        my @reply = $smtp->command($line);
        $$last = "$reply[0] $reply[1]" if $last && $reply[0];
        $n++ if $reply[0] == 250;
        last if !$reply[0];
        $smtp->command('RSET') if $line =~ /^MAIL/ && $reply[0] == 250;
    }
    return $n;
}

# The same in SESSIONS processes at once: how many they saw accepted in all. `meanwhile` is called when they have begun.
sub in_parallel {
    my ( $work, $meanwhile ) = @_;
    pipe my $read, my $write or die "pipe: $!\n";
    my @pids;
    for my $i ( 1 .. SESSIONS ) {
        my $pid = fork // die "fork: $!\n";
        if ( !$pid ) {
            close $read;
            syswrite $write, "x" x ( eval { $work->($i) } // 0 );
            require POSIX;
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    close $write;
    $meanwhile->() if $meanwhile;
    local $/;
    my $all = readline($read) // '';
    waitpid $_, 0 for @pids;
    return length $all;
}

my $MAIL = 'MAIL FROM:<jean@univ.example>';

# --- recipients of one message: the others come in another ---

my $smtp = session_from('10.2.0.1');
$smtp->put( join "\r\n", $MAIL, ( map { 'RCPT TO:<' . TO . '>' } 1 .. 103 ), 'DATA', '' );
my @replies = map { [ $smtp->reply ] } 1 .. 105;
is( join( ' ', map { $_->[0] } @replies ), join( ' ', (250) x 101, (452) x 3, 354 ), 'inside: 100 recipients, pipelined; the rest gets 452' );
like( $replies[103][1], qr/^4\.5\.3 Too many recipients; send to the rest in another message: 100 in a message from inside$/, '… which says so' );
$smtp->put("Subject: many\r\n\r\nhello\r\n.\r\n");
is( ( $smtp->reply )[0], 250, 'the message is taken for the others' );
is( accepted( session_from('10.2.0.1'), 1, $MAIL ), 1, '… and another begins' );

# --- the world is not counted, our networks are, each address for itself ---

is( accepted( session_from('198.51.100.7'), 300, $MAIL ), 300, 'mail from the world to us is not limited' );
my $last;
is( accepted( session_from('10.2.0.2'), 250, $MAIL, \$last ), 200, 'inside: 200 messages an hour' );
like( $last, qr/^450 4\.7\.1 Enough mail for now: 200 messages an hour from inside for 10\.2\.0\.2, 200 counted; try again at \d\d:\d\d:\d\d UTC, in (?:3[5-6]\d\d) s$/,
    '… with the numbers, and when to try again' );
is( accepted( session_from('10.2.0.3'), 1, $MAIL ), 1, 'another address is another' );
$smtp = session_from('10.0.0.1');
is( accepted( $smtp, 150, $MAIL ), 100, 'webmail without a login: 100 messages an hour of one sender' );
is( accepted( $smtp, 150, 'MAIL FROM:<anne@univ.example>' ), 100, '… and of another' );

# --- what is tried counts: nobody of these exists ---

$smtp = session_from('10.2.0.4');
my ( $unknown, $limited ) = ( 0, 0 );
for my $message ( 1 .. 6 ) {
    $smtp->command($MAIL);
    for my $i ( 1 .. 100 ) {
        my ( $code, $text ) = $smtp->command("RCPT TO:<nobody$i\@univ.example>");
        $unknown++ if $code == 550;
        $limited++ if $code == 450 && $text =~ /500 recipients in 15 minutes/;
    }
    $smtp->command('RSET');
}
is( "$unknown $limited", '500 100', 'unknown recipients count: 500 in 15 minutes' );

# --- 50 sessions at once, a reload under way ---

my $relay = sub {
    my ($ip) = @_;
    return sub { return accepted( session_from($ip), 4, $MAIL ) };
};
is( in_parallel( $relay->('10.0.1.1') ), 100, SESSIONS . ' sessions of a private relay try 200 messages: 100 begin' );
my $reloaded;
is( in_parallel( sub { return accepted( session_from('10.0.1.2'), 3, $MAIL ) }, sub { $reloaded = $gateway->reload } ) +
        accepted( session_from('10.0.1.2'), 100, $MAIL ),
    100, 'the same over a reload' );
ok( $reloaded, '… which went well' );

# --- edge is killed meanwhile ---

my $seen = in_parallel(
    sub {
        my $n = accepted( session_from('10.0.1.3'), 1, $MAIL );
        sleep 1;
        return $n;
    },
    sub { select undef, undef, undef, 0.3; $gateway->signal_role( KILL => 'edge' ) }
);
ok( wait_until( 60, sub { eval { session_from('10.0.1.3') } } ), 'edge is killed, and is there again' );
my $after = accepted( session_from('10.0.1.3'), 200, $MAIL );
my $lost = 100 - $seen - $after;
ok( $lost >= 0 && $lost <= SESSIONS, "never one more: $seen before, $after after, $lost counted whose answer was lost" );
ok( $after < 100, '… and what was counted before counts on' );

# --- all is killed, and started again ---

$gateway->crash;
$gateway->start;
is( accepted( session_from($_), 3, $MAIL ), 0, "still nothing from $_" ) for qw(10.0.1.1 10.0.1.2 10.0.1.3 10.2.0.2);

# --- accounts, from outside ---

sub plain {
    my ( $user, $password ) = @_;
    return 'AUTH PLAIN ' . encode_base64( "\0$user\0" . ( $password // PASSWORD ), '' );
}

# What is said to these lines, put in one go on a session from that address of this machine.
sub converse_from {
    my ( $from, $i, @lines ) = @_;
    write_file( "$root/input$i", join '', map { "$_\r\n" } 'EHLO laptop', @lines, 'QUIT' );
    return `timeout 60 openssl s_client -bind $from:0 -connect 127.0.0.1:$submissions -quiet -ign_eof < $root/input$i 2>&1`;
}

sub submit {
    my ( $i, $user, @lines ) = @_;
    return converse_from( '127.0.0.1', $i, plain($user), @lines );
}

# The directory answers none before all have asked: more than may be wrong are under way at once.
my $begun = in_parallel(
    sub {
        my ($i) = @_;
        return scalar( () = submit( $i, 'jean', ( $MAIL, 'RSET' ) x 2 ) =~ /^250 2\.1\.0 Sender ok/mg );
    },
    sub { $gateway->signal_role( STOP => 'directory' ); sleep 2; $gateway->signal_role( CONT => 'directory' ) }
);
is( $begun, 50, SESSIONS . ' sessions of one account from outside try 100 messages: 50 begin' );
like( submit( 0, 'jean', $MAIL ), qr/^450 4\.7\.1 Enough mail for now: 50 messages an hour from outside for jean\@univ\.example, 50 counted; try again at /m,
    'the next is told the numbers' );

# --- frozen: by hand, by its limits, by a virus ---

my ( $status, $said ) = $gateway->poterne( 'senders', 'freeze', '--why', 'it is on holiday', 'Anne@univ.example' );
is( "$status $said", "0 anne\@univ.example is frozen\n", 'senders freeze' );
my $FROM_ANNE = $MAIL =~ s/jean/anne/r;
like( submit( 0, 'anne', $FROM_ANNE ), qr/^550 5\.7\.1 This account may send nothing for now: since .* UTC, it is on holiday; ask boss\@univ\.example\r?$/m,
    '550, with why and whom to ask' );
is( ( $gateway->poterne( 'senders', 'freeze', 'anne@univ.example' ) )[0], 1, 'frozen already' );
is( ( $gateway->poterne( 'senders', 'thaw',   'anne@univ.example' ) )[0], 0, 'senders thaw' );
like( submit( 0, 'anne', $FROM_ANNE ), qr/^250 2\.1\.0/m, 'it sends again' );

# More than are needed: of the sessions above some had no login, if the directory was too slow for them.
submit( 0, 'jean', ($MAIL) x 110 );
my ($counted) = grep { $_->{kind} eq 'account' && $_->{from} eq 'outside' } $gateway->poterne_json( 'senders', 'show', 'jean@univ.example' );
is_deeply( $counted->{messages_per_hour}, { counted => 50, limit => 50 }, 'senders show: what is counted beside the limit' );
cmp_ok( $counted->{hits}, '>=', 100, '… and how often it was at the limit' );
ok( ( grep { $_->{name} eq '10.0.1.1' && $_->{from} eq 'relay' } $gateway->poterne_json('senders') ), 'senders list has who came to its limit' );
my ($jean) = grep { $_->{kind} eq 'frozen' } $gateway->poterne_json('senders');
is( $jean && $jean->{name}, 'jean@univ.example', 'who was 100 times at a limit within the hour is frozen' );
like( submit( 0, 'jean', $MAIL ), qr/^550 5\.7\.1 .*it was at a limit \d+ times within an hour; ask /m, '… and is told' );
my @notes;
my $managers = sub {
    my ($about) = @_;
    wait_until( 30, sub { @notes = grep { /^Subject: \Q$about\E/m } $gateway->maildir_messages('boss@univ.example') } );
    return scalar @notes;
};
is( $managers->('jean@univ.example may send nothing for now'), 1, 'the managers get one note' );
like( $notes[0] // '', qr/poterne senders thaw jean\@univ\.example/, '… that says what to do' );

my @virus = ( $FROM_ANNE, 'RCPT TO:<' . TO . '>', 'DATA', 'From: anne@univ.example', 'Subject: see', '', EICAR, '.', $FROM_ANNE );
submit( 0, 'anne', @virus[ 0 .. $#virus - 1 ] );
ok( wait_until( 20, sub { submit( 0, 'anne', $FROM_ANNE ) =~ /^550 5\.7\.1 .*it sent a virus \(/m } ), 'who sends a virus is frozen' );
is( $managers->('anne@univ.example may send nothing for now'), 1, '… and the managers get a note' );

$gateway->crash;
$gateway->start;
like( submit( 0, 'anne', $FROM_ANNE ), qr/^550 5\.7\.1 /m, 'frozen over a crash' );
is( ( $gateway->poterne( 'senders', 'thaw', 'anne@univ.example' ) )[0], 0, 'thawed' );
like( submit( 0, 'anne', $FROM_ANNE ), qr/^250 2\.1\.0/m, 'it sends again' );
is( ( $gateway->poterne( 'senders', 'show', 'nobody@univ.example' ) )[0], 1, 'of others nothing is known' );

# --- who tries passwords, over many sessions ---

my ( $WRONG, $LATER ) = ( qr/^535 5\.7\.8 /m, qr/^454 4\.7\.0 Too many failed logins; try again later: in \d+ s\r?$/m );

# How many wrong passwords are looked at from there, one a session, before none is any more. What the directory had no
# answer to does not count, so that after a crowd some may be left.
sub wrong_until_later {
    my ( $from, $names ) = @_;
    my $wrong = 0;
    for my $i ( 1 .. 20 ) {
        my $said = converse_from( $from, 0, plain( $names->($i), 'x' ) );
        return $wrong if $said =~ $LATER;
        $wrong++ if $said =~ $WRONG;
    }
    return "$wrong, and more";
}

my $asked = in_parallel( sub { return scalar( () = converse_from( '127.0.9.1', $_[0], ( plain( 'jean', "guess$_[0]" ) ) x 2 ) =~ /$WRONG/g ) } );
cmp_ok( $asked, '<=', 8, SESSIONS . ' sessions try 100 passwords of an account: no more than 8 are looked at' );
cmp_ok( $asked + wrong_until_later( '127.0.9.1', sub {'jean'} ), '<=', 8, '… and those that a busy directory had no answer to' );
like( converse_from( '127.0.9.1', 0, plain('jean') ), $LATER, 'then not even the right one is, from there' );
like( converse_from( '127.0.8.1', 0, plain('jean@univ.example') ), $LATER, '… nor from anywhere where he is not known' );
like( converse_from( '127.0.0.1', 0, plain('jean') ), qr/^235 /m, 'from where he has logged in before he is not locked out' );
my $more = wrong_until_later( '127.0.9.2', sub {"nobody$_[0]"} );
my $looked_at = () = $gateway->log_text =~ /client 127\.0\.9\.\d+: login of \S+ refused: User name or password is wrong/g;
is( $looked_at, 12, 'the network has twelve, whoever they are for' ) or diag("$asked at once, and $more at last");
cmp_ok( $more, '>=', 4, '… four or more of them for others' );
like( converse_from( '127.0.9.3', 0, plain('anne') ), $LATER, '… and none for anybody then' );
like( converse_from( '127.0.8.1', 0, plain('anne') ), qr/^235 /m, 'from another network she logs in' );
my $from = length $gateway->log_text;
converse_from( '127.0.7.1', 0, ( plain( 'friend', 'x' ) ) x 3 );
my @at = substr( $gateway->log_text, $from ) =~ /^\S+T\d\d:(\d\d:\d\d\.\d+)Z .*login of friend refused/mg;
my @seconds = map { my ( $minute, $second ) = split /:/; 60 * $minute + $second } @at;
is( scalar @seconds, 3, 'three passwords put in one go are looked at' );
ok( $seconds[1] > $seconds[0] && $seconds[2] - $seconds[0] > 2, '… one after the other, with the wait of one failure and of two' )
    or diag("@seconds");
is( $gateway->stop, 0, 'all ends well' );
done_testing();
