#!/usr/bin/perl
# Automatic redirection: by the rule only, under a sender of ours, back to the sender when it bounces, and never
# in a circle. Dovecot has the mailboxes, of ours and of the other organisation; its gate is Postfix. Who redirects
# says so in a file, or in an attribute of a slapd.
use strict;
use warnings;

use Digest::SHA qw(hmac_sha1_base64 hmac_sha256);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Dovecot;
use Poterne::Gateway;
use Poterne::Mail qw(letter eicar);
use Poterne::Postfix;
use Poterne::Process qw(wait_until free_port);
use Poterne::Sink;
use Poterne::Slapd;
use Poterne::Tree qw(slurp);

plan skip_all => 'Dovecot is not installed' if !Poterne::Dovecot::there();
plan skip_all => 'Postfix is not installed, or not run by root' if !Poterne::Postfix::there();

plan skip_all => 'slapd is not installed' if !Poterne::Slapd::there();

my $root = tempdir( 'poterne-redirect-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

my $sink    = Poterne::Sink->start( root => "$root/sink" );
my $dovecot = Poterne::Dovecot->start("$root/dovecot");
my $port    = free_port();
my $lmtp    = "lmtp:[127.0.0.1]:$dovecot->{lmtp}";
my $postfix = Poterne::Postfix->start(
    root       => "$root/postfix",
    domain     => 'lab.example',
    recipients => [],
    sink       => $dovecot->{lmtp},
    protocol   => 'lmtp',
    more       => <<"EOT" );
relay_domains = lab.example, sender.example
relay_recipient_maps =
transport_maps = inline:{ never\@lab.example=lmtp:[127.0.0.1]:$sink->{port}, lab.example=$lmtp, sender.example=$lmtp,
    univ.example=smtp:[127.0.0.1]:$port }
virtual_alias_maps = inline:{ circle\@lab.example=circle\@univ.example, kept\@lab.example=kept\@univ.example }
EOT

my $slapd = Poterne::Slapd->new(
    "$root/slapd",
    join '',
    Poterne::Slapd::person( 'anne', 'mail: Anne.Martin@dir.example', 'mailAlternateAddress: anne@dir.example',
        'mailForwardingAddress: A.Martin@LAB.example' ),
    Poterne::Slapd::person( 'paul', 'mail: paul@dir.example', 'mailForwardingAddress: paul@gmail.com' ),
);

my %people = (
    file => [
        'plain@univ.example',
        'out@univ.example -> x@lab.example',
        'o.alias@univ.example: out@univ.example',
        'copy@univ.example -> y@lab.example keep=yes',
        'free@univ.example -> me@gmail.com',
        'circle@univ.example -> circle@lab.example',
        'kept@univ.example -> kept@lab.example keep=yes',
        'chain@univ.example -> out@univ.example',
        'one@univ.example -> two@univ.example',
        'two@univ.example -> one@univ.example',
        'never@univ.example -> never@lab.example',
    ],
    strict => ['free@strict.example -> me@gmail.com'],
);
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    port     => $port,
    settings => {
        outside => { next_hop => qq("smtp://127.0.0.1:$postfix->{port}") },
    },
    sections => "\nldap staff {\n" . $slapd->settings( snapshot => '1h' ) . "}\n",
    domains  => {
        'univ.example' => {
            next_hop   => "lmtp://127.0.0.1:$dovecot->{lmtp}",
            recipients => $people{file},
            more       => 'redirect_only_to = { lab.example }',
        },
        'strict.example' => {
            next_hop   => "lmtp://127.0.0.1:$dovecot->{lmtp}",
            recipients => $people{strict},
            more       => 'redirect_refused = reject',
        },
        'dir.example' => {
            next_hop   => "lmtp://127.0.0.1:$dovecot->{lmtp}",
            recipients => ['# none'],
            directory  => 'ldap staff',
            more       => 'redirect_only_to = { lab.example }; redirect_sender = "@Université.example"',
        },
    }
);
$gateway->start;
ok( $gateway->wait_for_log(qr/ldap staff: 3 addresses of \d+ entries/), 'the directory is read' );

my $n = 0;

# Sends and returns the subject that it can be known by.
sub send_to {
    my ( $to, $from ) = @_;
    my $subject = 'message number ' . ++$n;
    my $result  = $gateway->send_one(
        from => $from // 'news@sender.example',
        to   => ref $to ? $to : [$to],
        data => \letter( 'people@univ.example', $subject )
    );
    is( $result->{code}, 250, "$subject is accepted" ) or diag( explain($result) );
    return $subject;
}

# Those of a mailbox with that subject, once so many have come.
sub came {
    my ( $user, $subject, $wanted ) = @_;
    my ( @found, $tries );
    wait_until(
        60,
        sub {
            # on a busy machine the gateway may have told Postfix to come later
            $postfix->run( '/usr/sbin/postfix', '-c', "$root/postfix/etc", 'flush' ) if ++$tries % 50 == 0;
            @found = grep { /^Subject: (?:\[SPAM\] )?\Q$subject\E\r?$/m } $dovecot->messages($user);
            return @found >= ( $wanted // 1 );
        }
    );
    return @found;
}

sub trace {
    my ($address) = @_;
    my ( undef, $output ) = $gateway->poterne( 'trace', $address );
    return $output;
}

# The journal is told behind the delivery.
sub traced {
    my ( $address, $pattern, $name ) = @_;
    ok( wait_until( 20, sub { trace($address) =~ $pattern } ), $name ) or diag( trace($address) );
    return;
}

# by the rule
my $subject = send_to('out@univ.example');
my ($message) = came( 'x@lab.example', $subject );
ok( $message, 'redirected to a listed domain' );
like( $message, qr/^Return-Path: <SRS0=[^=]{6}=..=sender\.example=news\@univ\.example>/m, 'under a sender of ours' );
like( $message, qr/^Delivered-To: out\@univ\.example\r?$/m, 'it says who redirected it' );
is( scalar came( 'out@univ.example', $subject, 0 ), 0, 'the mailbox gets none' );
traced( 'out@univ.example', qr/redirected.*delivered/s, 'the journal has both' );
traced( 'out@univ.example', qr/redirected to x\@lab\.example \(redirect_only_to of univ\.example\)/, 'and the rule' );

$subject = send_to('o.alias@univ.example');
ok( came( 'x@lab.example', $subject ), 'an alias of who redirects' );
$subject = send_to( 'chain@univ.example', 'colleague@univ.example' );
($message) = came( 'x@lab.example', $subject );
like( $message, qr/^Delivered-To: out\@univ\.example\r?\nDelivered-To: chain\@univ\.example/m, 'two behind one another' );
like( $message, qr/^Return-Path: <colleague\@univ\.example>/m, 'a sender of ours stays' );

$subject = send_to('copy@univ.example');
is( scalar came( 'copy@univ.example', $subject ), 1, 'the mailbox keeps its copy' );
is( scalar came( 'y@lab.example', $subject ), 1, '... and the other one comes' );
unlike( ( came( 'copy@univ.example', $subject ) )[0], qr/SRS0/, 'the copy has the sender that it had' );

$subject = send_to('free@univ.example');
ok( came( 'free@univ.example', $subject ), 'to a free mail service it is not redirected' );
traced( 'free@univ.example', qr/gmail\.com is a free mail service, and redirect_only_to of univ\.example/, 'told why' );
my ( undef, $test ) = $gateway->poterne( 'directory', 'test', 'free@univ.example' );
like( $test, qr/together.*not redirected to me\@gmail\.com: gmail\.com is a free/, 'by the directory, too' );
my $smtp = $gateway->smtp;
$smtp->hello;
$smtp->command('MAIL FROM:<news@sender.example>');
my ( $code, $text ) = $smtp->command('RCPT TO:<free@strict.example>');
is( $code, 550, 'refused where the domain wants that' );
like( $text, qr/^5\.7\.1 .*redirect_only_to of strict\.example/, '... with the rule' );
unlike( $text, qr/me\@/, '... and without the address' );
$smtp->quit;

# from an LDAP directory
$subject = send_to('anne@dir.example');
($message) = came( 'a.martin@lab.example', $subject );
ok( $message, 'redirected by an attribute of an LDAP entry' );
like( $message // '', qr/^\s+(?:id \w+ )?for <A\.Martin\@lab\.example>|^X-Original-To: A\.Martin/m, 'the local part as it is written' );
like( $message // '', qr/^Delivered-To: anne\.martin\@dir\.example\r?$/m, 'it says who redirected it' );
like( $message // '', qr/^Return-Path: <SRS0=[^>]+\@xn--universit-j4a\.example>/m, 'under a sender of ours, in ASCII' );
traced( 'anne@dir.example', qr/redirected to A\.Martin\@lab\.example \(redirect_only_to of dir\.example\)/, 'and the rule' );
$subject = send_to('paul@dir.example');
ok( came( 'paul@dir.example', $subject ), 'where the rule forbids it, it stays' );

# circles
$subject = send_to('one@univ.example');
is( scalar came( 'two@univ.example', $subject ), 1, 'a circle of our own ends' );
$subject = send_to('circle@univ.example');
is( scalar came( 'circle@univ.example', $subject ), 1, 'a circle over another organisation ends in the mailbox' );
traced( 'circle@univ.example', qr/not redirected: it was there before \(Delivered-To\)/, '... and says so' );
$subject = send_to('kept@univ.example');
is( scalar came( 'kept@univ.example', $subject, 2 ), 2, 'who keeps a copy gets that and what came back' );
sleep 2;
is( scalar came( 'kept@univ.example', $subject, 2 ), 2, '... and no third' );
is( scalar came( 'circle@univ.example', 'message number', 0 ), 0, 'nothing goes round' );

# the way back
send_to('never@univ.example');
my @bounces;
ok(
    wait_until( 30, sub { @bounces = $dovecot->messages('news@sender.example') } ),
    'a bounce comes back to the sender'
);
like( $bounces[0] // '', qr/5\.1\.1 Never/, '... which Postfix has written' );

# ... and no other way
$message = ( came( 'x@lab.example', 'message number 1' ) )[0];
my ($return) = ( $message // '' ) =~ /^Return-Path: <([^>]+)>/m;
for (
    [ '', $return, qr/^250/, 'a bounce to a return address' ],
    [ '', lc $return, qr/^250/, '... in lower case' ],
    [ 'a@sender.example', $return, qr/^550 5\.7\.1 Only bounces/, 'other mail to it' ],
    [ '', $return =~ s/=news\@/=boss@/r, qr/^550 5\.1\.1 That return address was not made here/, 'a forged one' ],
    [ '', $return =~ s/\@univ.*/\@elsewhere.example/r, qr/^550 5\.7\.1 Not a domain/, 'one of others' ],
    )
{
    my ( $from, $to, $expected, $name ) = @$_;
    $smtp = $gateway->smtp;
    $smtp->hello;
    $smtp->command("MAIL FROM:<$from>");
    like( join( ' ', $smtp->command("RCPT TO:<$to>") ), $expected, $name );
    $smtp->quit;
}
# ... for three weeks behind the longest time that a message is held, 30 days
my ($secret) = slurp("$root/gateway/state/signature.key") =~ /^([0-9a-f]{64})$/m;
my $key = hmac_sha256( 'poterne-srs-1', pack 'H*', $secret );
for ( [ 0, 250 ], [ 30, 250 ], [ 51, 250 ], [ 53, 550 ] ) {
    my ( $days, $expected ) = @$_;
    my $day = ( int( time / 86_400 ) - $days ) % 1024;
    my $stamp = join '', map { ( 'A' .. 'Z', 2 .. 7 )[$_] } $day >> 5, $day & 31;
    my $hash = substr hmac_sha1_base64( lc "${stamp}sender.examplenews", $key ), 0, 6;
    $smtp = $gateway->smtp;
    $smtp->hello;
    $smtp->command('MAIL FROM:<>');
    ( $code, $text ) = $smtp->command("RCPT TO:<SRS0=$hash=$stamp=sender.example=news\@univ.example>");
    is( $code, $expected, "a return address of $days days ago" ) or diag($text);
    like( $text, qr/^5\.1\.1 That return address is too old: SRS0=/, '... and why not' ) if $expected == 550;
    $smtp->quit;
}

# held for all of them, released to the same
my $held = $gateway->send_one( from => 'news@sender.example', to => ['copy@univ.example'], data => \eicar('copy@univ.example') );
is( $held->{code}, 250, 'a virus for two is taken' );
my ($id) = $gateway->spooled('quarantine');
my ( undef, $shown ) = $gateway->poterne( 'quarantine', 'show', $id // '' );
like( $shown, qr/copy\@univ\.example: held.*y\@lab\.example: held.*redirected from copy\@univ/s, '... and held for both' );
is( ( $gateway->poterne( 'quarantine', 'release', '--force', $id // '' ) )[0], 0, 'it is released' );
for my $user (qw(copy@univ.example y@lab.example)) {
    ok( wait_until( 20, sub { grep { /An attachment/ } $dovecot->messages($user) } ), "... to $user" );
}
like( ( grep { /An attachment/ } $dovecot->messages('y@lab.example') )[0], qr/^Return-Path: <SRS0=/m, '... as before' );

my $list = send_to( [ 'plain@univ.example', 'out@univ.example', 'copy@univ.example' ] );
ok( came( $_, $list ), "of several: $_" ) for qw(plain@univ.example x@lab.example copy@univ.example y@lab.example);
ok( $gateway->wait_for_empty_queue, 'nothing is left behind' );

$postfix->stop;
$sink->stop;
$slapd->stop;
$dovecot->stop;
is( $gateway->stop, 0, 'the gateway ends' );
done_testing;
