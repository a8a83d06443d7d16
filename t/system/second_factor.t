#!/usr/bin/perl
# The second factor of who logs in from outside: application passwords and tokens, out of a file and out of LDAP, also
# over Net::SMTP of Perl and smtplib of Python. Inside nobody is asked. 127.0.0.1 is outside, 127.0.0.2 inside.
use strict;
use warnings;

use Digest::SHA qw(hmac_sha1);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Files qw(write_file);
use Poterne::Process qw(command_output wait_until);
use Poterne::Submission;

plan skip_all => Poterne::Submission::missing() if Poterne::Submission::missing();

use constant { SECRET => 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', APP => 'kumquat-laptop-42', LDAP_APP => 'ldap-app-secret', STEP => 30 };

my $root = tempdir( 'poterne-factor-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $base     = Poterne::Slapd::BASE;
my $right    = Poterne::Submission::PASSWORD;
my $password = "userPassword: $right";
my $person   = \&Poterne::Slapd::person;
my $hash     = crypt LDAP_APP, '$6$saltsaltsalt$';

# quotaUsed and others of the test's schema are not looked at here: what they hold stands for secrets.
my $people = join '', map( {"$_\n"} "dn: cn=policy,$base", 'objectClass: person', 'objectClass: pwdPolicy', 'cn: policy', 'sn: policy',
    'pwdAttribute: userPassword', 'pwdLockout: TRUE', 'pwdMaxFailure: 5', '' ),
    $person->( 'jean', 'mail: jean@univ.example', 'mailAlternateAddress: jtoto@univ.example', $password ),
    $person->( 'anne', 'mail: anne@univ.example', $password ),
    $person->( 'paul', 'mail: paul@univ.example', $password ),
    $person->( 'lise', 'mail: lise@univ.example', $password, "description: {CRYPT}$hash" ),
    $person->( 'rene', 'mail: rene@univ.example', $password, 'title: ' . SECRET ),
    $person->( 'shut', 'mail: shut@univ.example', 'pwdAccountLockedTime: 000001010000Z', $password ),
    $person->( 'gone', 'mail: gone@univ.example', 'accountStatus: disabled', $password );
write_file( "$root/factors", "# ours\njtoto\@univ.example app-password laptop " . crypt( APP, '$y$j9T$saltsaltsaltsalt$' ) . "\n"
        . "jean\@univ.example app-password phone " . crypt( 'second', '$6$saltsalt$' ) . "\n"
        . 'anne@univ.example totp phone ' . SECRET . "\n" . join '', map { "$_\@univ.example app-password x " . crypt( APP, '$6$saltsalt$' ) . " 2026-11-23\n" } qw(gone shut) );

my $site = Poterne::Submission->new(
    root     => $root,
    people   => $people,
    ldap     => { app_passwords => 'description', totp => 'title' },
    settings => {
        gate       => { inside => '{ 127.0.0.2 }' },
        submission => { second_factor => '{ app_password, totp }', second_factor_file => qq("$root/factors"), failures_limit => 100 },
    },
);
my $gateway = $site->{gateway};

# RFC 6238, so many steps from now.
sub number {
    my ($steps) = @_;
    my $bits = join '', map { sprintf '%05b', index 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $_ } split //, SECRET;
    my $key  = pack 'B*', substr $bits, 0, 8 * int( length($bits) / 8 );
    my $mac  = hmac_sha1( pack( 'Q>', int( time / STEP ) + $steps ), $key );
    my $at   = ord( substr $mac, -1 ) & 15;
    return sprintf '%06d', ( unpack( 'N', substr $mac, $at, 4 ) & 0x7fffffff ) % 1_000_000;
}

# Not at the end of a step, so that what is worked out now is still so when it arrives.
sub early {
    sleep 1 while time % STEP > STEP - 12;
    return;
}

sub answer {
    my ( $from, $user, $secret ) = @_;
    my $said = $site->converse( [ tls => $from ], 'EHLO c', Poterne::Submission::plain( $user, $secret ), 'QUIT' );
    my ($answer) = $said =~ /^((?:235|4\d\d|5\d\d) [^\r\n]*)/m;
    diag $said if !defined $answer;
    return $answer // '';
}

my ( $outside, $inside ) = ( '127.0.0.1', '127.0.0.2' );
my $yes = qr/^235 2\.7\.0 Authentication successful$/;
my $no  = qr/^535 5\.7\.8 User name or password is wrong: from here it takes an application password, or the number of your token behind the password$/;
my $no_inside = qr/^535 5\.7\.8 User name or password is wrong$/;

# --- application passwords ---

like( answer( $outside, 'jean', APP ),        $yes, 'an application password, from outside' );
like( answer( $outside, 'jean', 'second' ),   $yes, '… and another' );
like( answer( $outside, 'jean', $right ),     $no,  'the password alone is not enough' );
like( answer( $outside, 'jean', 'wrong' ),    $no,  '… and a wrong one is answered alike' );
like( answer( $outside, 'nobody', 'wrong' ),  $no,  '… and so is nobody' );
like( answer( $outside, 'paul', $right ),     $no,  '… and who has no second factor' );
like( answer( $outside, 'paul', 'wrong' ),    $no,  '… with a wrong password, too' );
like( answer( $outside, 'jean', APP . '1' ),  $no,  'nor is more than it' );
like( answer( $outside, 'anne', APP ),        $no,  'nor is somebody else\'s' );
like( answer( $outside, 'gone', APP ),        qr/^535 5\.7\.13 The account is disabled$/, 'a disabled account stays one' );
like( answer( $outside, 'shut', APP ),        qr/^535 5\.7\.13 The account is locked$/, '… and one that a manager has locked stays locked' );
like( answer( $outside, 'lise', LDAP_APP ),   $yes, 'one that stands in LDAP' );
like( answer( $inside,  'jean', $right ),     $yes, 'inside the password is enough' );
like( answer( $inside,  'paul', $right ),     $yes, '… also where there is no other' );
like( answer( $inside,  'jean', APP ),        $yes, '… and an application password is, too' );
like( answer( $inside,  'jean', 'wrong' ),    $no_inside, 'a wrong one is wrong' );
like( answer( $outside, 'jean', 'wrong' ), $no, "jean, wrong once more ($_)" ) for 1 .. 6;
like( answer( $inside, 'jean', $right ), $yes, 'guessing from outside locks nobody out: the directory was not asked' );

# --- tokens ---

early();
my ( $before, $now, $next ) = map { number($_) } -1, 0, 1;
my %taken = map { $_ => 1 } $before, $now, $next;
my ($never) = grep { !$taken{$_} } '000000' .. '000009';
like( answer( $outside, 'anne', $right ),               $no,  'the password without a number' );
like( answer( $outside, 'anne', $right . $never ),      $no,  '… with a wrong one' );
like( answer( $outside, 'anne', $now ),                 $no,  'a number without the password' );
like( answer( $outside, 'anne', 'wrong' . $now ),       $no,  '… with a wrong one, which spends nothing' );
like( answer( $outside, 'anne', $right . $before ),     $yes, 'the number of the step before' );
like( answer( $outside, 'anne', $right . $before ),     $no,  '… not twice' );
like( answer( $outside, 'anne', $right . $now ),        $yes, 'that of now' );
$gateway->signal_role( KILL => 'directory' );
ok( wait_until( 30, sub { answer( $inside, 'anne', $right ) =~ $yes } ), 'the directory process is killed, and back' );
like( answer( $outside, 'anne', $right . $now ),        $no,  '… not twice' );
like( answer( $outside, 'anne', $right . $before ),     $no,  '… nor an earlier one' );
early();
my $fresh = number(1);
ok( $gateway->reload, 'a reload' );
like( answer( $outside, 'anne', $right . $fresh ),      $yes, 'the number of the next step' );
like( answer( $outside, 'anne', $right . $now ),        $no,  '… behind which no earlier one is taken' );
early();
like( answer( $outside, 'rene', $right . number(0) ), $no, 'two accounts with one secret have one token' );
like( answer( $inside, 'anne', $right ), $yes, 'inside the password is enough' );

# --- other clients ---

SKIP: {
    eval { require Net::SMTP; require Authen::SASL; require IO::Socket::SSL; 1 } or skip 'Net::SMTP with Authen::SASL and IO::Socket::SSL is not there', 4;
    my %tls = ( SSL_verify_mode => 0 );
    my $smtp = Net::SMTP->new( '127.0.0.1', Port => $site->{port}{starttls}, Hello => 'perl', Timeout => 30 );
    ok( $smtp && $smtp->starttls(%tls) && $smtp->auth( 'jean', APP ), 'Net::SMTP: STARTTLS and AUTH' );
    ok( $smtp->mail('jean@univ.example') && $smtp->to('perl@world.example') && $smtp->data("From: jean\@univ.example\n\nHello\n"), '… and a letter' );
    $smtp->quit;
    $smtp = Net::SMTP->new( '127.0.0.1', Port => $site->{port}{tls}, Hello => 'perl', Timeout => 30, SSL => 1, %tls );
    ok( $smtp && !$smtp->auth( 'jean', $right ), '… on 465 the password is refused' );
    ok( $smtp && $smtp->auth( 'jean', APP ), '… and the application password taken' );
    $smtp->quit if $smtp;
}
write_file( "$root/client.py", <<'EOF_PYTHON' );
import smtplib, ssl, sys
tls = ssl.create_default_context(cafile=sys.argv[1])
host, starttls, direct, right, app = "127.0.0.1", int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
with smtplib.SMTP(host, starttls, timeout=30) as s:
    try:
        s.login("jean", app)
    except smtplib.SMTPNotSupportedError:
        print("no AUTH in clear")
    s.starttls(context=tls)
    s.login("jean", app)
    s.sendmail("jean@univ.example", ["python@world.example"], "From: jean@univ.example\r\n\r\nHello\r\n")
    print("sent")
    try:
        s.sendmail("jean@univ.example", ["python@world.example"], "From: anne@univ.example\r\n\r\nHello\r\n")
    except smtplib.SMTPDataError as e:
        print(e.smtp_code, e.smtp_error.decode())
with smtplib.SMTP_SSL(host, direct, timeout=30, context=tls) as s:
    try:
        s.login("jean", right)
    except smtplib.SMTPAuthenticationError as e:
        print(e.smtp_code, e.smtp_error.decode())
EOF_PYTHON
SKIP: {
    skip 'python3 is not installed', 4 if !grep { -x "$_/python3" } split /:/, $ENV{PATH};
    my ( undef, $said ) = command_output( 'python3', "$root/client.py", "$root/cert.pem", @{ $site->{port} }{qw(starttls tls)}, $right, APP );
    like( $said, qr/^no AUTH in clear$/m, 'smtplib: no AUTH in clear' ) or diag $said;
    like( $said, qr/^sent$/m, '… STARTTLS, AUTH, a letter, the certificate checked' );
    like( $said, qr/^550 5\.7\.1 From or Sender is not .*: anne\@univ\.example$/m, '… but not in a colleague\'s name' );
    like( $said, qr/^535 5\.7\.8 User name or password is wrong: from here/m, '… on 465 the password is refused' );
}
ok( $gateway->wait_for_empty_queue, 'what was sent leaves' );
is( scalar( $site->{world}->messages("$_\@world.example") ), 1, "… $_\'s" ) for qw(perl python);

# --- settings ---

my $settings = $gateway->conf_text;
$gateway->write_conf( $settings =~ s/^(    second_factor = .*)/$1\n    second_factor_missing = pass/mr );
ok( $gateway->reload, 'second_factor_missing = pass' );
ok( wait_until( 30, sub { answer( $outside, 'paul', $right ) =~ $yes } ), 'who has none needs none' );
like( answer( $outside, 'jean', $right ), $no, '… who has one does' );
$gateway->write_conf($settings);
write_file( "$root/factors", "jean\@univ.example app-password laptop plain-text\n" );
my $from = length $gateway->log_text;
$gateway->reload;
ok( $gateway->wait_for_log( qr/factors:1: expected a hash of crypt/, $from, 30 ), 'a mistake in the file is told' );
like( answer( $outside, 'jean', APP ), $yes, '… and what was read before serves' );
write_file( "$root/factors", 'jean@univ.example app-password tablet ' . crypt( 'third', '$6$saltsalt$' ) . "\n" );
ok( $gateway->reload && wait_until( 60, sub { answer( $outside, 'jean', 'third' ) =~ $yes } ), 'a new password' );
like( answer( $outside, 'jean', APP ), $no, '… in the place of the old' );

is( $site->stop, 0, 'the gateway ends well' );
for my $secret ( $right, APP, SECRET ) {
    my ( undef, $found ) = command_output( qw(grep -rlaF --), $secret, "$root/gateway" );
    is( $found, '', 'no secret stands in the log, the journal or the spool' );
}
done_testing();
