#!/usr/bin/perl
# People who log in by a file of accounts, before an LDAP directory in the order of their domain: what the file says, what
# `poterne account` writes into it and into the file of second factors, from which networks these are asked. Clients are
# swaks, Python's smtplib and openssl s_client. 127.0.0.1 is outside, .2 inside, .3 a webmail server.
use strict;
use warnings;

use Digest::SHA qw(hmac_sha1);
use File::Temp qw(tempdir);
use POSIX qw(strftime);
use Test::More;
use lib 't/lib';
use Poterne::Files qw(write_file);
use Poterne::Process qw(command_output wait_until clear_of_midnight);
use Poterne::Submission;

plan skip_all => Poterne::Submission::missing() if Poterne::Submission::missing();
plan skip_all => "$_ is not installed" for grep {
    my $program = $_;
    !grep { -x "$_/$program" } split /:/, $ENV{PATH}
} qw(swaks python3);

use constant { RIGHT => 'Kumquat-Harbour-9', NEW => 'Walnut-Harbour-10', DAY => 86_400, STEP => 30 };

clear_of_midnight();
my $root = tempdir( 'poterne-accounts-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $hash   = crypt RIGHT, '$6$rounds=1000$saltsaltsalt$';
my $person = \&Poterne::Slapd::person;
my $base   = Poterne::Slapd::BASE;
my $people = join '', map( {"$_\n"} "dn: cn=policy,$base", 'objectClass: person', 'objectClass: pwdPolicy', 'cn: policy', 'sn: policy', 'pwdAttribute: userPassword', '' ),
    $person->( 'paul', 'mail: paul@univ.example', 'userPassword: ' . Poterne::Submission::PASSWORD ),
    $person->( 'lea',  'mail: lea@univ.example',  'userPassword: ' . Poterne::Submission::PASSWORD, 'title: not-base32' ),
    $person->( 'jean', 'mail: jean@univ.example', 'userPassword: ' . Poterne::Submission::PASSWORD );
my $soon  = strftime '%Y-%m-%d', gmtime( time + 3 * DAY );
my $lines = join '', map {"$_\n"} '# ours', "jean\@univ.example:{CRYPT}$hash\::::::alias=jtoto\@univ.example send_as=press\@univ.example",
    "old\@univ.example:$hash\::::::expires=2020-01-31", "soon\@univ.example:$hash\::::::expires=$soon", "locked\@univ.example:!$hash",
    "off\@univ.example:$hash\::::::nologin",            "gone\@univ.example:$hash\::::::disabled",       'none@univ.example:*';
write_file( "$root/factors", "# second factors\n" );
chmod 0644, "$root/factors";

my $site = Poterne::Submission->new(
    root     => $root,
    people   => $people,
    ldap     => { totp => 'title' },
    settings => {
        gate       => { inside => '{ 127.0.0.2 }', webmail => '{ 127.0.0.3 }' },
        submission => {
            second_factor   => '{ app_password, totp }', second_factor_file => qq("$root/factors"), second_factor_from => '{ inside }',
            guesses_network => 0, guesses_account => 0, failures_limit => 100, renew_url => '"https://password.univ.example/"'
        },
    },
    domains => {
        'univ.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['# none'], directory => qq(accounts "$root/accounts", ldap staff) }
    },
);
my $gateway = $site->{gateway};

sub read_file {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return <$file> // '';
}

sub answer {
    my ( $from, $user, $secret ) = @_;
    my $said = $site->converse( [ tls => $from ], 'EHLO c', Poterne::Submission::plain( $user, $secret ), 'QUIT' );
    my ($answer) = $said =~ /^((?:235|4\d\d|5\d\d) [^\r\n]*)/m;
    diag $said if !defined $answer;
    return $answer // '';
}

sub recipient {
    my ($address) = @_;
    return $gateway->send_one( from => 'someone@world.example', to => [$address], data => \"Subject: x\r\n\r\nx\r\n" );
}

# `poterne account`, with a line on its standard input.
sub account {
    my ( $input, @words ) = @_;
    write_file( "$root/stdin", $input );
    my $quoted = join ' ', map {"'$_'"} "$gateway->{build}/poterne", 'account', '--config', $gateway->{conf}, @words;
    my ( $status, $said ) = command_output( 'sh', '-c', "$quoted < '$root/stdin'" );
    unlink "$root/stdin";
    return ( $status, $said );
}

my ( $outside, $inside, $webmail ) = ( '127.0.0.1', '127.0.0.2', '127.0.0.3' );
my $yes   = qr/^235 2\.7\.0 Authentication successful$/;
my $no    = qr/^535 5\.7\.8 User name or password is wrong$/;
my $later = qr/^454 4\.7\.0 /;

# --- a file that is not there, and the first account ---

like( answer( $outside, 'jean', RIGHT ), $later, 'while the file is not there, nobody is wrong' );
my ( $status, $said ) = account( NEW . "\n", 'password', 'nobody@univ.example' );
is( $status, 2, 'who is not there gets no password' );
like( $said, qr/has no account in a file; `poterne account add` makes one/, '… and it says what to do' );
( $status, $said ) = account( "short\n", 'add', 'first@univ.example' );
like( $said, qr/a password has at least 8 bytes/, 'one that is too short is refused' );
( $status, $said ) = account( NEW . "\n", 'add', 'first@univ.example' );
is( $status, 0, 'the first account' ) or diag $said;
is( sprintf( '%o', ( stat "$root/accounts" )[2] & 0777 ), '640', 'the file is for who must read it' );
like( read_file("$root/accounts"), qr/^first\@univ\.example:\$y\$\S+\n$/m, 'it has a hash' );
ok( wait_until( 60, sub { answer( $outside, 'first', NEW ) =~ $yes } ), 'it logs in' );
is( ( account( NEW . "\n", 'add', 'first@univ.example' ) )[0], 2, 'nobody is added twice' );

# --- the file ---

my $from = length $gateway->log_text;
write_file( "$root/accounts", $lines );
chmod 0644, "$root/accounts";
ok( $gateway->wait_for_log( qr/accounts: 8 addresses/, $from, 60 ), 'another file is read' );
like( $gateway->log_text, qr/accounts: everybody on this machine can read these passwords/, '… and who can read it is told' );
my $renew = qr{renew it at https://password\.univ\.example/};
for my $case (
    [ 'jean@univ.example',  RIGHT,                         $yes, 'the password' ],
    [ 'JEAN',               RIGHT,                         $yes, '… of a local part' ],
    [ 'jtoto',              RIGHT,                         $yes, '… of an alias' ],
    [ 'jean',               Poterne::Submission::PASSWORD, $no,  'the directory behind is not asked of whom the file knows' ],
    [ 'paul',               Poterne::Submission::PASSWORD, $yes, '… but of others' ],
    [ 'paul',               RIGHT,                         $no,  '… whose password is another' ],
    [ 'jean',               'wrong',                       $no,  'a wrong password' ],
    [ 'nobody',             RIGHT,                         $no,  'nobody' ],
    [ 'press',              RIGHT,                         $no,  'an address to send as is no user name' ],
    [ 'none',               RIGHT,                         $no,  'a password that nobody has' ],
    [ 'old',                RIGHT,                         qr/^535 5\.7\.8 The password has expired: $renew/,  'one that has expired' ],
    [ 'old',                'wrong',                       $no,                                                '… of which only who knows it hears' ],
    [ 'soon',               RIGHT,                         qr/^235 .*: your password expires in 3 days; $renew/, 'one that soon will' ],
    [ 'locked',             RIGHT,                         qr/^535 5\.7\.13 The account is locked$/,           'a locked account' ],
    [ 'locked',             'wrong',                       $no,                                                '… likewise' ],
    [ 'off',                RIGHT,                         qr/^535 5\.7\.13 The account is disabled$/,         'one that nobody logs in with' ],
    [ 'gone',               RIGHT,                         qr/^535 5\.7\.13 The account is disabled$/,         'a disabled one' ],
) {
    my ( $user, $password, $pattern, $name ) = @$case;
    like( answer( $outside, $user, $password ), $pattern, $name );
}
for my $case ( [ jean => 250 ], [ jtoto => 250 ], [ off => 250 ], [ paul => 250 ], [ gone => 550, '5.2.1' ], [ press => 550, '5.1.1' ] ) {
    my $reply = recipient("$case->[0]\@univ.example");
    is( $reply->{code}, $case->[1], "a recipient: $case->[0] ($case->[1])" );
    like( $reply->{text} // '', qr/\Q$case->[2]\E/, '… and why' ) if $case->[2];
}
for my $case ( [ jean => 250 ], [ jtoto => 250 ], [ press => 250 ], [ paul => 550 ] ) {
    my $told = $site->converse( [ tls => $outside ], 'EHLO c', Poterne::Submission::plain( 'jtoto', RIGHT ), "MAIL FROM:<$case->[0]\@univ.example>", 'QUIT' );
    like( $told, qr/^235 .*\n(?:.*\n)*?$case->[1] /m, "to send from: $case->[0] ($case->[1])" );
}

# --- other clients ---

( undef, $said ) = command_output( qw(swaks --server 127.0.0.1 --timeout 60 --helo laptop --no-hints --tls), '--port', $site->{port}{starttls}, qw(--auth LOGIN),
    '--auth-user', 'jean@univ.example', '--auth-password', RIGHT, qw(--from jean@univ.example --to swaks@world.example) );
like( $said, qr/235 2\.7\.0.*250 2\.0\.0 Accepted as/s, 'swaks: a letter' ) or diag $said;
write_file( "$root/client.py", <<'EOF_PYTHON' );
import smtplib, ssl, sys
with smtplib.SMTP_SSL("127.0.0.1", int(sys.argv[1]), timeout=60, context=ssl.create_default_context(cafile=sys.argv[2])) as s:
    s.login("jtoto@univ.example", sys.argv[3])
    s.sendmail("press@univ.example", ["python@world.example"], "From: press@univ.example\r\n\r\nHello\r\n")
    print("sent")
EOF_PYTHON
( undef, $said ) = command_output( 'python3', "$root/client.py", $site->{port}{tls}, "$root/cert.pem", RIGHT );
like( $said, qr/^sent$/m, 'smtplib: a letter in the name of the press office' ) or diag $said;
ok( $gateway->wait_for_empty_queue, 'they leave' );
is( scalar( $site->{world}->messages("$_\@world.example") ), 1, "… $_\'s" ) for qw(swaks python);

# --- poterne account ---

is( ( account( NEW . "\n", 'password', 'jtoto@univ.example' ) )[0], 0, 'another password' );
like( read_file("$root/accounts"), qr/^# ours\njean\@univ\.example:\$y\$[^:]+::::::alias=jtoto\@univ\.example send_as=press\@univ\.example\nold\@/, '… in its place, and nothing else' );
is( sprintf( '%o', ( stat "$root/accounts" )[2] & 0777 ), '644', '… with the mode that it had' );
ok( wait_until( 60, sub { answer( $outside, 'jean', NEW ) =~ $yes } ), '… which logs in' );
like( answer( $outside, 'jean', RIGHT ), $no, '… the old one does not' );
is( ( account( NEW . "\n", 'password', 'locked@univ.example' ) )[0], 0, 'of one that is locked' );
ok( wait_until( 60, sub { answer( $outside, 'locked', NEW ) =~ /locked/ } ), '… which it stays' );

( $status, my $app ) = account( '', qw(app-password jean@univ.example laptop) );
chomp $app;
like( $app, qr/^[a-z2-9]{20}$/, 'an application password' );
is( ( account( '', qw(app-password jean@univ.example laptop) ) )[0], 2, '… of a name of its own' );
my ( undef, $totp ) = account( '', qw(totp jean@univ.example phone) );
my ( $secret, $uri ) = split /\n/, $totp;
like( $secret, qr/^[A-Z2-7]{32}$/, 'a token\'s secret' );
like( $uri, qr{^otpauth://totp/mx\.poterne\.example:jean%40univ\.example\?secret=$secret&issuer=mx\.poterne\.example&algorithm=SHA1&digits=6&period=30$}, '… and its URI' );
my @listed = $gateway->poterne_json( 'account', 'list', 'jean@univ.example' );
is_deeply( [ map { [ @$_{qw(kind address)}, $_->{name} // $_->{state} ] } @listed ],
    [ [ 'account', 'jean@univ.example', 'active' ], [ 'app-password', 'jean@univ.example', 'laptop' ], [ 'totp', 'jean@univ.example', 'phone' ] ], 'they are listed' );
is( $listed[1]{made}, strftime( '%Y-%m-%d', gmtime ), '… with the day' ) if @listed > 1;
like( read_file("$root/factors"), qr/^# second factors\njean\@univ\.example app-password laptop \$y\$\S+ \d{4}-\d\d-\d\d\n/, 'the file has a hash, and its comment' );

# RFC 6238, so many steps from now.
sub number {
    my ($steps) = @_;
    my $bits = join '', map { sprintf '%05b', index 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $_ } split //, $secret;
    my $mac  = hmac_sha1( pack( 'Q>', int( time / STEP ) + $steps ), pack( 'B*', $bits ) );
    my $at   = ord( substr $mac, -1 ) & 15;
    return sprintf '%06d', ( unpack( 'N', substr $mac, $at, 4 ) & 0x7fffffff ) % 1_000_000;
}
my $more = qr/^535 5\.7\.8 User name or password is wrong: from here it takes an application password, or the number of your token behind the password$/;
ok( wait_until( 60, sub { answer( $inside, 'jean', $app ) =~ $yes } ), 'the application password is taken up' );
like( answer( $inside,  'jean', NEW ),    $more, 'the password alone is not enough from inside, as second_factor_from says' );
like( answer( $inside,  'jean', 'wrong' ), $more, '… nor is a wrong one' );
like( answer( $inside,  'nobody', NEW ),  $more, '… nor anything of nobody' );
like( answer( $webmail, 'jean', NEW ),    $yes,  '… it is from the webmail server' );
like( answer( $outside, 'jean', NEW ),    $yes,  '… and from outside' );
sleep 1 while time % STEP > STEP - 12;
my $fresh = number(0);
like( answer( $inside, 'jean', NEW . $fresh ), $yes, 'with the token\'s number it is' );
like( answer( $inside, 'jean', NEW . $fresh ), $more, '… not twice' );
is( ( account( '', qw(revoke jean@univ.example laptop) ) )[0], 0, 'the application password is revoked' );
is( ( account( '', qw(revoke jean@univ.example laptop) ) )[0], 1, '… once' );
ok( wait_until( 60, sub { answer( $inside, 'jean', $app ) =~ $more } ), '… and no longer taken' );
unlike( read_file("$root/factors"), qr/app-password|^\s*$/m, '… and its line is gone' );

# --- who is locked, unlocked, removed ---

sub account_ok {
    my ( $verb, $words ) = @_;
    my ( $is, $told ) = account( '', $verb, 'jean@univ.example' );
    return is( $is, 0, "$verb: $words" ) || diag $told;
}

# On a terminal: what ^C leaves of it.
sub given_up {
    my @command = ( "$gateway->{build}/poterne", 'account', '--config', $gateway->{conf}, 'password', 'jean@univ.example' );
    my $script = <<'EOF';
import os, pty, sys, termios, time
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b''
while b'New password: ' not in said:
    said += os.read(terminal, 1000)
while termios.tcgetattr(terminal)[3] & termios.ECHO:
    time.sleep(0.02)
os.write(terminal, b'secret\x03')
while b'given up' not in said:
    said += os.read(terminal, 1000)
echo = termios.tcgetattr(terminal)[3] & termios.ECHO
print('echo' if echo else 'silent', os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), b'secret' in said)
EOF
    return ( command_output( 'timeout', 60, 'python3', '-c', $script, @command ) )[1];
}

is( given_up(), "echo 2 False\n", 'who gives up at a terminal sees again what he types' );
account_ok( 'lock', 'it is' );
account_ok( 'lock', 'nothing more is to be done' );
ok( wait_until( 60, sub { answer( $outside, 'jean', NEW ) =~ /^535 5\.7\.13 The account is locked$/ } ), 'a locked account does not log in' );
account_ok( 'unlock', 'it is' );
ok( wait_until( 60, sub { answer( $outside, 'jean', NEW ) =~ $yes } ), '… until it is unlocked' );
my $before = read_file("$root/accounts");
is( ( account( '', qw(app-password paul@univ.example laptop) ) )[0], 0, 'a second factor of who is in no file' );
my $factors = read_file("$root/factors");
is( ( account( '', 'remove', 'paul@univ.example' ) )[0], 2, 'who is in no file is not removed' );
is( read_file("$root/factors"), $factors, '… and keeps his second factors' );
is( ( account( '', 'remove', 'jtoto@univ.example' ) )[0], 0, 'remove: by an alias it is the same account' );
( my $without = $before ) =~ s/^jean\@univ\.example:.*\n//m;
is( read_file("$root/accounts"), $without, '… with its line alone' );
unlike( read_file("$root/factors"), qr/^jean/m, '… and its second factors' );
is( ( account( '', 'remove', 'jean@univ.example' ) )[0], 2, '… once' );
is( ( account( '', qw(revoke paul@univ.example laptop) ) )[0], 0, 'that one is revoked by its name' );
ok( wait_until( 60, sub { answer( $outside, 'jtoto', NEW ) =~ $no } ), '… and can log in no more' );
write_file( "$root/accounts", "only\@univ.example:!*\n" );
is( ( account( '', 'remove', 'only@univ.example' ) )[0], 0, 'the last one is removed' );
is( read_file("$root/accounts"), "# made by poterne account\n", '… and the file stays one' );
write_file( "$root/accounts", $before );
ok( wait_until( 60, sub { answer( $outside, 'jean', NEW ) =~ $yes } ), 'what was written by hand is taken up as ever' );

# --- guesses by all names of an account ---

like( answer( '127.0.3.1', 'jean', NEW ), $yes, 'the right password' );
my $unlimited = $gateway->conf_text;
$gateway->write_conf( $unlimited =~ s/^(    guesses_account) = 0$/$1 = 3/mr );
ok( $gateway->reload, 'guesses_account = 3' );
like( answer( "127.0.4.$_", 'jtoto', 'wrong' ), $no, 'a wrong one of an alias' ) for 1 .. 2;
like( answer( '127.0.5.1', 'jean', 'wrong' ), $no, '… of the address' );
like( answer( '127.0.6.1', 'jtoto', NEW ), $later, 'then not even the right one is told, by the alias' );
like( answer( '127.0.6.1', 'jean',  NEW ), $later, '… nor by the address' );
like( answer( '127.0.3.1', 'jean', NEW ), $yes, '… but where he is known' );
$gateway->write_conf($unlimited);
ok( $gateway->reload, 'without a limit' );

# --- a second factor that is not understood ---

my $settings = $gateway->conf_text;
$gateway->write_conf( $settings =~ s/^(    second_factor = .*)/$1\n    second_factor_missing = pass/mr );
ok( $gateway->reload, 'second_factor_missing = pass' );
ok( wait_until( 60, sub { answer( $inside, 'paul', Poterne::Submission::PASSWORD ) =~ $yes } ), 'who has none needs none' );
$from = length $gateway->log_text;
like( answer( $inside, 'lea', Poterne::Submission::PASSWORD ), $later, '… of whom that can\'t be told is told to try later' );
ok( $gateway->wait_for_log( qr/login of lea refused: .*: the account's second factor is not understood/, $from, 60 ), '… and the log says why' );
$gateway->write_conf($settings);

# --- mistakes, and a file that is gone ---

my $good = read_file("$root/accounts");
$from = length $gateway->log_text;
write_file( "$root/accounts", "${good}anne\@univ.example:{PLAIN}secret\n" );
ok( $gateway->wait_for_log( qr/accounts:9: the password is no hash that is taken.*; what was read before stays in service/, $from, 60 ), 'a mistake is told' );
unlike( substr( $gateway->log_text, $from ), qr/PLAIN|\Q$hash\E/, '… without what stands there' );
like( answer( $outside, 'jean', NEW ), $yes, '… and what was read before serves on' );
like( ( account( NEW . "\n", 'password', 'jean@univ.example' ) )[1], qr/accounts:9: the password is no hash/, '… and is mended before anything is changed' );
$from = length $gateway->log_text;
unlink "$root/accounts";
ok( $gateway->wait_for_log( qr/cannot look at \S+accounts/, $from, 60 ), 'the file is gone' );
like( answer( $outside, 'jean', NEW ),    $yes,   '… who was known logs in' );
like( answer( $outside, 'nobody', RIGHT ), $later, '… whoever was not may be now' );
is( recipient('nobody@univ.example')->{code}, 451, '… as a recipient, too' );
write_file( "$root/accounts", $good );
chmod 0644, "$root/accounts";
ok( wait_until( 120, sub { answer( $outside, 'nobody', RIGHT ) =~ $no } ), 'it is back' );

# --- many guesses at once ---

my @guessers = map {
    my $pid = fork // die "fork: $!\n";
    if ( !$pid ) {
        my $input = join "\r\n", 'EHLO c', ( Poterne::Submission::plain( 'jean', 'guess' ) ) x 20, 'QUIT', '';
        write_file( "$root/guesses$$", $input );
        my $told = `timeout 100 openssl s_client -connect 127.0.0.1:$site->{port}{tls} -quiet -ign_eof < $root/guesses$$ 2>/dev/null`;
        POSIX::_exit( $told =~ /^235 /m ? 1 : 0 );
    }
    $pid;
} 1 .. 10;
is( recipient('jean@univ.example')->{code}, 250, 'who guesses does not hold up recipients' );
ok( wait_until( 100, sub { answer( $outside, 'jean', NEW ) =~ $yes } ), '… nor keep the account out for long' );
my $in = 0;
for my $pid (@guessers) {
    waitpid $pid, 0;
    $in++ if $?;
}
is( $in, 0, '… nor get in' );

# --- no directory at all ---

$gateway->{sections} = '';
$gateway->{domains}{'univ.example'}{directory} = qq(accounts "$root/accounts");
$gateway->write_conf;
ok( $gateway->reload, 'accounts alone, without LDAP' );
ok( wait_until( 60, sub { answer( $outside, 'paul', Poterne::Submission::PASSWORD ) =~ $no } ), '… whose people are not known any more' );
like( answer( $outside, 'jean', NEW ), $yes, '… but those of the file' );
is( recipient('jean@univ.example')->{code}, 250, '… recipients, too' );
is( recipient('paul@univ.example')->{code}, 550, '… and nobody else' );

is( $site->stop, 0, 'the gateway ends well' );
for my $word ( RIGHT, NEW, $app, $secret ) {
    my ( undef, $found ) = command_output( qw(grep -rlaF --), $word, "$root/gateway" );
    is( $found, '', 'no secret stands in the log, the journal or the spool' );
}
done_testing();
