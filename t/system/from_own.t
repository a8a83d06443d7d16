#!/usr/bin/perl
# In whose name do our own people write? The sender of the envelope and the fields From and Sender, which are looked
# at when a message has come and before it is scanned, with each of the settings, and receipts, which have no sender.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::SSL;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use lib 't/lib';
use Poterne::Process qw(wait_until);
use Poterne::Submission;

plan skip_all => Poterne::Submission::missing() if Poterne::Submission::missing();

my $root = tempdir( 'poterne-from-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $base     = Poterne::Slapd::BASE;
my $password = 'userPassword: ' . Poterne::Submission::PASSWORD;
my $person   = \&Poterne::Slapd::person;
my $people   = join '', map( {"$_\n"} "dn: cn=policy,$base", 'objectClass: person', 'objectClass: pwdPolicy', 'cn: policy', 'sn: policy',
    'pwdAttribute: userPassword', '' ),
    $person->( 'jean', 'mail: Jean.Toto@univ.example', 'mailAlternateAddress: jtoto@univ.example', 'mailAlternateAddress: jean@elsewhere.example',
    'maySendAs: press@univ.example', $password ),
    $person->( 'anne', 'mail: anne@univ.example', $password );
my $site    = Poterne::Submission->new( root => $root, people => $people, settings => { limits_outside => { messages_per_hour => 0 } } );
my $gateway = $site->{gateway};

# The answer to the end of a message of jean's; undef: it did not come so far.
sub answer_to {
    my ( $sender, @header ) = @_;
    my $said = $site->converse( tls => 'EHLO c', Poterne::Submission::plain( 'jean', Poterne::Submission::PASSWORD ),
        Poterne::Submission::letter( from => $sender, data => [ @header, 'Subject: a letter', '', 'Hello' ] ), 'QUIT' );
    my ($answer) = $said =~ /^354 [^\n]*\n([^\n]*)\r\n/m;
    diag $said if !defined $answer;
    return $answer;
}

my $own = 'jean.toto@univ.example';
my ( $yes, $no, $bad ) = ( qr/^250 2\.0\.0 Accepted as /, qr/^550 5\.7\.1 From or Sender is not an address that you may write from: /, qr/^550 5\.6\.0 / );

my @tries = (
    [ $own, $yes, 'From: Jean Toto <Jean.Toto@univ.example>' ],
    [ $own, $yes, 'From: jtoto@univ.example' ],
    [ $own, $yes, 'From: "The press" <press@univ.example>' ],
    [ $own, $yes, 'From: Jean <jean.toto+list@univ.example>' ],
    [ $own, $yes, 'From: jtoto@univ.example, press@univ.example', "Sender: $own" ],
    [ $own, $yes, 'From: =?utf-8?q?J=C3=A9an?= <jean.toto@univ.example>' ],
    [ $own, $yes, 'From: Us: jtoto@univ.example;' ],
    [ $own, qr/${no}anne\@univ\.example\r?$/, 'From: anne@univ.example' ],
    [ $own, qr/${no}anne\@univ\.example\r?$/, "From: $own, anne\@univ.example" ],
    [ $own, qr/${no}anne\@univ\.example\r?$/, "From: <$own> <anne\@univ.example>" ],
    [ $own, qr/${no}anne\@univ\.example\r?$/, "From: Us: $own, anne\@univ.example;" ],
    [ $own, qr/${no}anne\@univ\.example\r?$/, "From: \"anne\@univ.example\" <$own>" ],
    [ $own, qr/${no}anne\@univ\.example\r?$/, "From: =?utf-8?b?YW5uZUB1bml2LmV4YW1wbGU=?= <$own>" ],
    [ $own, qr/${no}anne\@univ\.example\r?$/, "From: $own", 'Sender: anne@univ.example' ],
    [ $own, qr/${no}president\@bank\.example\r?$/, 'From: president@bank.example' ],
    [ $own, qr/${no}jean\@elsewhere\.example\r?$/, 'From: jean@elsewhere.example' ],
    [ $own, qr/${bad}The message has no From/,         'X-From: anne@univ.example' ],
    [ $own, qr/${bad}The message has several From/,    "From: $own", "From: $own" ],
    [ $own, qr/${bad}From or Sender is malformed/,     'From: Jean' ],
    [ $own, qr/${bad}From or Sender is malformed/,     "From: anne\@univ.example\@univ.example" ],
    [ $own, qr/${bad}From or Sender is malformed/,     "From: $own", "Sender: $own, jtoto\@univ.example" ],
    # receipts (RFC 8098)
    [ '', $yes, "From: $own", 'Content-Type: multipart/report; report-type=disposition-notification; boundary=x' ],
    [ '', qr/${no}anne/, 'From: anne@univ.example' ],
);
my @taken;
for my $try (@tries) {
    my ( $sender, $pattern, @header ) = @$try;
    my $answer = answer_to( $sender, @header );
    like( $answer // '', $pattern, "<$sender> " . join ' / ', @header );
    push @taken, $answer =~ /as (\w+)/ if ( $answer // '' ) =~ $yes;
}
my $said = $site->converse( tls => 'EHLO c', Poterne::Submission::plain( 'jean', Poterne::Submission::PASSWORD ), 'MAIL FROM:<jean@elsewhere.example>', 'QUIT' );
like( $said, qr/^550 5\.7\.1 Not an address that you may send from/m, 'his address of another domain is not his own here' );

# Who is refused is not scanned, and stands in the journal.
is( scalar( () = $gateway->log_text =~ /verdict=/g ), scalar @taken, 'what was refused was not scanned' );
my @refused = grep { ( $_->{refused}{text} // '' ) =~ /may write from: anne\@univ\.example/ } $gateway->poterne_json( 'trace', '--limit', '100', '127.0.0.1' );
is( $refused[0] && $refused[0]{evidence}{session}{account}, 'jean.toto@univ.example', 'the journal has the refusal, and who' ) or diag explain \@refused;
like( $gateway->log_text, qr/client 127\.0\.0\.1: a message of jean\.toto\@univ\.example is refused: From or Sender is not[^\n]*: anne\@univ\.example/, '… and so has the log' );

# From outside From is nobody's business here but DMARC's.
my $result = $gateway->send_one( from => 'someone@world.example', to => ['anne@univ.example'], data => \"From: anne\@univ.example, x\@y.example\r\nSubject: x\r\n\r\nx\r\n" );
is( $result->{code}, 250, 'mail from outside is taken with any From' );

# The header may be long, and no longer.
my $said_long = answer_to( $own, "From: $own", ( 'X-Long: ' . 'x' x 900 ) x 100 );
like( $said_long // '', $yes, 'From in front of 90 kB' );
like( answer_to( $own, ( 'X-Long: ' . 'x' x 900 ) x 100, "From: $own" ) // '', $yes, '… and behind' );
like( answer_to( $own, ( 'X-Long: ' . 'x' x 900 ) x 100, 'From: anne@univ.example' ) // '', $no, '… where it is looked at, too' );
like( answer_to( $own, "From: $own", ( 'X-Long: ' . 'x' x 900 ) x 1200 ) // '', qr/${bad}From or Sender is malformed/, 'behind 1 MiB nobody looks' );

# --- the other settings ---

my $settings = $gateway->conf_text;

sub reload_with {
    my ($lines) = @_;
    $gateway->write_conf( $settings =~ s/^submission \{\n/submission {\n$lines/mr );
    return $gateway->reload;
}

ok( reload_with("    from = domain\n"), 'from = domain' );
ok( wait_until( 30, sub { ( answer_to( $own, 'From: anne@univ.example' ) // '' ) =~ $yes } ), 'a colleague may stand in From' );
like( answer_to( $own, 'From: president@bank.example' ) // '', qr/${no}president\@bank\.example/, '… and nobody else' );
like( answer_to( '',   'From: anne@univ.example' ) // '',      qr/${no}anne\@univ\.example/,      '… nor a colleague without a sender' );
ok( reload_with("    from = any\n    foreign_senders = yes\n"), 'from = any, foreign_senders' );
ok( wait_until( 30, sub { ( answer_to( 'jean@elsewhere.example', 'From: president@bank.example' ) // '' ) =~ $yes } ), 'anybody may stand in From, and his address elsewhere is his' );
like( answer_to( $own, "From: $own", 'From: x@y.example' ) // '', qr/${bad}The message has several/, '… but there is one From' );
$said = $site->converse( tls => 'EHLO c', Poterne::Submission::plain( 'jean', Poterne::Submission::PASSWORD ), 'MAIL FROM:<anne@univ.example>', 'QUIT' );
like( $said, qr/^550 5\.7\.1 Not an address/m, '… and the sender is his own' );
ok( reload_with("    foreign_senders = yes\n"), 'foreign_senders alone' );
ok( wait_until( 30, sub { ( answer_to( $own, 'From: president@bank.example' ) // '' ) =~ $no } ), 'again nobody else' );
like( answer_to( $own, 'From: jean@elsewhere.example' ) // '', $yes, '… but he' );

# --- the answer comes while the machine works on what was sent along, to who has gone by then ---

# Logged in, a message without From in one piece with its commands; then the connection is torn down.
sub tear_down {
    my ($recipient) = @_;
    my $socket = IO::Socket::SSL->new( PeerAddr => "127.0.0.1:$site->{port}{tls}", SSL_verify_mode => 0, Timeout => 10 ) or return 0;
    my $hear = sub {
        my ( $bytes, $end ) = ( '', shift );
        while ( $bytes !~ $end ) {
            sysread( $socket, $bytes, 4096, length $bytes ) or return 0;
        }
        return 1;
    };
    my $login = Poterne::Submission::plain( 'jean', Poterne::Submission::PASSWORD );
    $hear->(qr/^220 /m) or return 0;
    syswrite $socket, "EHLO c\r\n$login\r\n";
    $hear->(qr/^235 /m) or return 0;
    my $message = "Subject: nobody's\r\n\r\nHello\r\n";
    syswrite $socket, "MAIL FROM:<$own>\r\nRCPT TO:<$recipient>\r\nBDAT " . length($message) . " LAST\r\n$message";
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    $socket->close( SSL_no_shutdown => 1 );
    return 1;
}

my $from = length $gateway->log_text;
is( scalar( grep { tear_down("anne+$_\@univ.example") } 1 .. 30 ), 30, 'thirty who go before they are answered' );
like( answer_to( $own, "From: $own" ) // '', $yes, 'and the next one is served' );
unlike( substr( $gateway->log_text, $from ), qr/edge\[\d+\] (?:died|ended)/, '… by the same process' );

ok( $gateway->wait_for_empty_queue, 'all that was taken leaves' );
ok( scalar( $site->{world}->messages('friend@world.example') ) > 0, 'to the world' );
is( $site->stop, 0, 'the gateway ends well' );
done_testing();
