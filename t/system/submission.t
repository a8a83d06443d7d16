#!/usr/bin/perl
# Our own people send their mail: ports with STARTTLS and with TLS from the first byte, passwords checked by
# a slapd with the password policy overlay, a sender address that is theirs, any recipient. Clients are swaks,
# openssl s_client, and whoever speaks in clear.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use POSIX qw(strftime);
use Test::More;
use lib 't/lib';
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Process qw(free_port wait_until command_output);
use Poterne::Sink;
use Poterne::Slapd;
use Poterne::Smtp;

plan skip_all => 'slapd is not installed' if !Poterne::Slapd::there();
plan skip_all => 'swaks is not installed' if !grep { -x "$_/swaks" } split /:/, $ENV{PATH};

use constant { PASSWORD => 'Correct-Horse-7', EICAR => 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*' };
use constant DAY => 86_400;

my $root = tempdir( 'poterne-submission-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $base = Poterne::Slapd::BASE;

sub generalized {
    my ($time) = @_;
    return strftime( '%Y%m%d%H%M%SZ', gmtime $time );
}

sub people {
    my @policy = map { "$_\n" } "dn: cn=policy,$base", 'objectClass: person', 'objectClass: pwdPolicy', 'cn: policy', 'sn: policy',
        'pwdAttribute: userPassword', 'pwdMaxAge: ' . 30 * DAY, 'pwdExpireWarning: ' . 7 * DAY, 'pwdMustChange: TRUE', 'pwdLockout: TRUE',
        'pwdMaxFailure: 50', '';
    my $password = 'userPassword: ' . PASSWORD;
    my $person = \&Poterne::Slapd::person;
    return join '', @policy,
        $person->( 'jean', 'mail: Jean.Toto@univ.example', 'mailAlternateAddress: jtoto@univ.example', 'maySendAs: press@univ.example', $password ),
        $person->( 'anne', 'mail: anne@univ.example', $password ),
        $person->( 'old', 'mail: old@univ.example', $password, 'pwdChangedTime: 20200101000000Z' ),
        $person->( 'soon', 'mail: soon@univ.example', $password, 'pwdChangedTime: ' . generalized( time - 27 * DAY + 3600 ) ),
        $person->( 'locked', 'mail: locked@univ.example', $password, 'pwdAccountLockedTime: 000001010000Z' ),
        $person->( 'reset', 'mail: reset@univ.example', $password, 'pwdReset: TRUE' ),
        $person->( 'gone', 'mail: gone@univ.example', 'accountStatus: disabled', $password ),
        $person->( 'none', 'mail: none@univ.example' ),
        ( map { $person->( "twin$_", "mail: twin\@univ.example", $password ) } 1, 2 );
}

my @certificate = ( '-keyout', "$root/key.pem", '-out', "$root/cert.pem" );
my ( $failed, $why ) =
    command_output( qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mx.poterne.example), @certificate );
plan skip_all => "openssl makes no certificate: $why" if $failed;
chmod 0644, "$root/key.pem";

my $slapd = Poterne::Slapd->new( "$root/slapd", people(), ppolicy => 1 );
my $world = Poterne::Sink->start( root => "$root/world", smtp => 1 );
my %port = map { $_ => free_port() } qw(starttls tls);
my %ldap = ( identities => 'maySendAs', connect_timeout => '1s', timeout => '2s', snapshot => '0',
    login => '"(|(mail=%a)(mailAlternateAddress=%a)(uid=%u))"' );
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    sections => "\nldap staff {\n" . $slapd->settings(%ldap) . "}\n",
    settings => {
        directory  => { cache_fresh => '1s', cache_negative => '1s', subaddress => '"+"' },
        smtp       => { tls_certificate => qq("$root/cert.pem"), tls_key => qq("$root/key.pem") },
        spam       => { required => '0.1' },
        limits     => { freeze_virus => 'no' },
        submission => {
            listen         => "{ 127.0.0.1:$port{starttls} }",
            listen_tls     => "{ 127.0.0.1:$port{tls} }",
            failure_delay  => '1s',
            failures_limit => 3,
            renew_url      => '"https://password.univ.example/"',
        },
        outside => { next_hop => qq("smtp://127.0.0.1:$world->{port}") },
    },
    domains => { 'univ.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['# none'], directory => 'ldap staff' } },
);
$gateway->start;

# What swaks was told: its whole conversation.
sub swaks {
    my ( $port, %option ) = @_;
    my %all = ( user => 'jean.toto@univ.example', password => PASSWORD, auth => 'PLAIN', from => 'jean.toto@univ.example', to => 'friend@world.example', %option );
    my @tls = $port == $port{tls} ? '--tls-on-connect' : '--tls';
    my ( undef, $said ) = command_output(
        qw(swaks --server 127.0.0.1 --timeout 30 --helo laptop --no-hints), '--port', $port, @tls,
        '--auth', $all{auth}, '--auth-user', $all{user}, '--auth-password', $all{password}, '--from', $all{from}, '--to', $all{to},
        '--header', 'Subject: ' . ( $all{subject} // 'a letter' ), '--body', $all{body} // 'Hello'
    );
    return $said;
}

# What the server says to these lines, sent over TLS in one go.
sub converse {
    my ( $port, @lines ) = @_;
    write_file( "$root/input", join '', map { "$_\r\n" } @lines );
    my $start = $port == $port{tls} ? '' : '-starttls smtp';
    return `timeout 40 openssl s_client -connect 127.0.0.1:$port $start -quiet -ign_eof < $root/input 2>&1`;
}

sub plain {
    my ( $user, $password ) = @_;
    return 'AUTH PLAIN ' . encode_base64( "\0$user\0$password", '' );
}

sub refused {
    my ( $user, $password ) = @_;
    return converse( $port{tls}, 'EHLO c', plain( $user, $password // PASSWORD ), 'MAIL FROM:<jean.toto@univ.example>', 'QUIT' );
}

# --- in clear ---

my $clear = Poterne::Smtp->new( port => $port{starttls} );
$clear->put("EHLO laptop\r\n");
unlike( ( $clear->reply )[1] // '', qr/AUTH/, 'in clear AUTH is not offered' );
for my $try ( [ plain( 'jean.toto@univ.example', PASSWORD ), 538 ], [ 'AUTH LOGIN', 538 ], [ 'MAIL FROM:<jean.toto@univ.example>', 530 ] ) {
    $clear->put("$try->[0]\r\n");
    is( ( $clear->reply )[0], $try->[1], "nor taken: $try->[1]" );
}
$clear->put( "STARTTLS\r\n" . plain( 'jean.toto@univ.example', PASSWORD ) . "\r\nMAIL FROM:<jean.toto\@univ.example>\r\n" );
is( ( $clear->reply )[0], 220, 'STARTTLS' );
ok( !IO::Select->new( $clear->{socket} )->can_read(1), 'what was put behind it is not answered' );

# --- in ---

my $n = 0;
for my $try (
    [ starttls => 'PLAIN', 'jean.toto@univ.example' ],
    [ starttls => 'LOGIN', 'JEAN.TOTO' ],
    [ tls      => 'PLAIN', 'jean' ],
    [ tls      => 'LOGIN', 'jtoto@univ.example' ],
) {
    my ( $name, $mechanism, $user ) = @$try;
    my $said = swaks( $port{$name}, auth => $mechanism, user => $user, to => 'friend' . ++$n . '@world.example' );
    like( $said, qr/235 2\.7\.0.*250 2\.0\.0 Accepted as/s, "$name, $mechanism, as $user: a letter to the world" ) or diag $said;
}
ok( $gateway->wait_for_empty_queue, 'they leave' );
my ($letter) = $world->messages('friend1@world.example');
like( $letter // '', qr/^Received: from laptop \(unknown \[127\.0\.0\.1\]\)\s+\(using TLS[^)]*\)\s+by mx\.poterne\.example \(poterne\) with ESMTPSA id/m,
    'Received says that somebody had logged in' );
my ($received) = ( $letter // '' ) =~ /^(Received:.*?\n)(?=\S)/ms;
unlike( $received // '', qr/jean/i, '… and not who' );
my ($id) = ( $letter // '' ) =~ / id ([0-9A-Z]{26})/;
like( $gateway->log_text, qr/\Q$id\E from=<jean\.toto\@univ\.example> .* account=jean\.toto\@univ\.example /, 'the log says who' );
my ($trace) = $gateway->poterne_json( 'trace', $id );
is( $trace && $trace->{evidence}{session}{account}, 'jean.toto@univ.example', '… and so does the journal' );

# --- the sender address ---

my %sender = (
    'jtoto@univ.example'          => 250, # an alias
    'press@univ.example'          => 250, # granted
    'jean.toto+list@univ.example' => 250,
    'anne@univ.example'           => 550,
    'jean.toto@world.example'     => 550,
    ''                            => 250, # a receipt
);
for my $sender ( sort keys %sender ) {
    my $said = converse( $port{tls}, 'EHLO c', plain( 'jean', PASSWORD ), "MAIL FROM:<$sender>", 'RCPT TO:<friend@world.example>', 'QUIT' );
    like( $said, $sender{$sender} == 250 ? qr/^250 2\.1\.0 .*\n^250 2\.1\.5 /m : qr/^550 5\.7\.1 Not an address.*\n^503 /m, "from <$sender>: $sender{$sender}" )
        or diag $said;
}
like( converse( $port{tls}, 'EHLO c', 'MAIL FROM:<jean.toto@univ.example>', 'RCPT TO:<friend@world.example>', 'QUIT' ), qr/^530 5\.7\.0 .*\n^503 /m, 'without a login there is no mail' );
my $open = $gateway->send_one( from => 'jean.toto@univ.example', to => ['friend@world.example'], data => \"Subject: x\r\n\r\nx\r\n" );
is( $open->{code}, 550, 'and port 25 relays for nobody' );
like( swaks( $port{tls}, to => 'nobody@univ.example' ), qr/550 5\.1\.1/, 'who is not there among our own is unknown' );

# --- not in ---

my $renew = qr{renew it at https://password\.univ\.example/};
my @refusals = (
    [ 'jean',   'wrong',  qr/^535 5\.7\.8 User name or password is wrong\r?$/m, 'a wrong password' ],
    [ 'jean',   '',       qr/^535 5\.7\.8 User name or password is wrong\r?$/m, 'an empty password' ],
    [ 'nobody', PASSWORD, qr/^535 5\.7\.8 User name or password is wrong\r?$/m, 'nobody of that name' ],
    [ 'none',   PASSWORD, qr/^535 5\.7\.8 User name or password is wrong\r?$/m, 'an account without a password' ],
    [ 'jean@world.example', PASSWORD, qr/^535 5\.7\.8 User/m, 'a domain of somebody else' ],
    [ '*)(uid=jean',        PASSWORD, qr/^535 5\.7\.8 User/m, 'a filter for a name' ],
    [ 'old',    PASSWORD, qr/^535 5\.7\.8 The password has expired: $renew/m, 'an expired password' ],
    [ 'old',    'wrong',  qr/^535 5\.7\.8 User name or password is wrong\r?$/m, '… of which only who knows it hears' ],
    [ 'reset',  PASSWORD, qr/^535 5\.7\.8 The password must be changed first: $renew/m, 'one that must be changed' ],
    [ 'locked', PASSWORD, qr/^535 5\.7\.13 The account is locked\r?$/m, 'a locked account' ],
    [ 'gone',   PASSWORD, qr/^535 5\.7\.13 The account is disabled\r?$/m, 'a disabled account' ],
    [ 'twin',   PASSWORD, qr/^454 4\.7\.0 /m, 'an address of two people' ],
);
for my $case (@refusals) {
    my ( $user, $password, $pattern, $name ) = @$case;
    my $said = refused( $user, $password );
    like( $said, $pattern, $name ) or diag $said;
    like( $said, qr/^530 5\.7\.0 /m, '… and nobody has logged in' );
}
my $said = converse( $port{tls}, 'EHLO c', plain( 'soon', PASSWORD ), 'QUIT' );
like( $said, qr/^235 2\.7\.0 Authentication successful: your password expires in 3 days; $renew/m, 'one that expires soon is let in, and told' ) or diag $said;

my $begun = time;
$said = converse( $port{tls}, 'EHLO c', ( plain( 'jean', 'wrong' ) ) x 5 );
is( scalar( () = $said =~ /^535 /mg ), 3, 'three wrong passwords are too many' );
like( $said, qr/^421 4\.7\.0 Too many failed logins/m, 'and end the session' );
cmp_ok( time - $begun, '>=', 3, 'after a while' );
my ($event) = grep { ( $_->{refused}{evidence}{session}{login} // $_->{evidence}{session}{login} // '' ) eq 'jean' } $gateway->poterne_json( 'trace', '--client', '127.0.0.1' );
like( $gateway->log_text, qr/client 127\.0\.0\.1: login of old refused: The password has expired: Invalid credentials, Password expired/, 'the log says who and why' );

# --- what is sent is looked at, and not tagged ---

like( swaks( $port{tls}, to => 'virus@world.example', body => EICAR ), qr/250 2\.0\.0 Accepted as/, 'a virus' );
ok( wait_until( 20, sub { scalar $gateway->spooled('quarantine') } ), '… is held' );
my @spam = ( 'From: jean.toto@univ.example', 'Subject: a letter', '', 'Make money fast, click here' );
converse( $port{tls}, 'EHLO c', plain( 'jean', PASSWORD ), 'MAIL FROM:<jean.toto@univ.example>', 'RCPT TO:<anne@univ.example>', 'DATA', @spam, '.', 'QUIT' );
$gateway->send_one( from => 'someone@world.example', to => ['anne@univ.example'], data => \join( '', map { "$_\r\n" } @spam ) );
ok( wait_until( 20, sub { $gateway->maildir_messages('anne@univ.example') == 2 } ), 'what looks like spam is delivered' );
is( scalar( grep { /^Subject: \[SPAM\] a letter/m } $gateway->maildir_messages('anne@univ.example') ), 1, '… tagged where it comes from outside alone' );

# --- the directory is away ---

$slapd->signal('STOP');
like( refused('jean'), qr/^454 4\.7\.0 Passwords can't be checked now/m, 'a directory that hangs: 454' );
$slapd->signal('CONT');
ok( wait_until( 60, sub { converse( $port{tls}, 'EHLO c', plain( 'jean', PASSWORD ), 'QUIT' ) =~ /^235 /m } ), 'it goes on' );
$slapd->stop;
like( refused('jean'), qr/^454 4\.7\.0 /m, 'a directory that is away: 454' );
$slapd->start;
ok( wait_until( 60, sub { converse( $port{starttls}, 'EHLO c', plain( 'jean', PASSWORD ), 'QUIT' ) =~ /^235 /m } ), 'it is back' );
$gateway->signal_role( KILL => 'directory' );
ok( wait_until( 60, sub { converse( $port{starttls}, 'EHLO c', plain( 'jean', PASSWORD ), 'QUIT' ) =~ /^235 /m } ), 'a directory process that was killed is replaced' );

# --- settings ---

my $settings = $gateway->conf_text;
$gateway->write_conf( $settings =~ s/^submission \{\n/submission {\n    locked_told = no\n/mr );
ok( $gateway->reload, 'locked_told = no' );
ok( wait_until( 30, sub { refused('locked') =~ /^535 5\.7\.8 User name or password is wrong\r?$/m } ), 'a locked account is then not told from a wrong password' );
$gateway->write_conf( $settings =~ s/^    tls_(?:certificate|key) = .*\n//mgr );
ok( !$gateway->reload, 'submission without a certificate is refused' );
$gateway->write_conf( $settings =~ s{servers = ldaps://127}{servers = ldap://10}r );
my $from = length $gateway->log_text;
$gateway->reload;
ok( $gateway->wait_for_log( qr/passwords are not sent in clear/, $from, 30 ), 'so is a directory that would get them in clear' );
$gateway->write_conf($settings);

is( $gateway->stop, 0, 'the gateway ends well' );
$slapd->stop;
for my $secret ( PASSWORD, encode_base64( "\0jean\0" . PASSWORD, '' ), encode_base64( PASSWORD, '' ) ) {
    my ( $status, $found ) = command_output( qw(grep -rlaF --), $secret, "$root/gateway" );
    is( $found, '', 'no password stands in the log, the journal or the spool' );
}
done_testing();
