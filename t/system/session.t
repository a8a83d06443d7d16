#!/usr/bin/perl
# Sessions as other people's software holds them: swaks, in clear and with STARTTLS; what it is
# refused; and payloads that smuggle a second message behind the first, of which none arrives.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MIME::Base64 qw(decode_base64);
use Test::More;
use lib 't/lib';
use Poterne::Data;
use Poterne::Gateway;
use Poterne::Mail qw(letter header_of);
use Poterne::Process qw(command_output wait_until);
use Poterne::Tree qw(command_there slurp);

plan skip_all => 'swaks is not installed' if !command_there('swaks');
my $to = 'jean@session.example';
my $root = tempdir( 'poterne-session-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my ($failed) = command_output(
    qw(/usr/bin/openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mx.poterne.example),
    '-keyout', "$root/key.pem", '-out', "$root/cert.pem"
);
chmod 0644, "$root/key.pem";
my %tls = $failed ? () : ( tls_certificate => qq("$root/cert.pem"), tls_key => qq("$root/key.pem") );
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => { smtp => { size_limit => '1M', %tls } },
    domains  => {
        'session.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] }
    }
)->start;

# (exit status, transcript)
sub swaks {
    my (@options) = @_;
    return command_output( '/usr/bin/swaks', '--server', "127.0.0.1:$gateway->{port}",
        '--from', 'a@remote.example', '--to', $to, @options );
}

# The message that arrived with this in its Subject.
sub arrived {
    my ($subject) = @_;
    my $found;
    wait_until( 15,
        sub { ($found) = grep { ( header_of( $_, 'Subject' ) // '' ) =~ /\Q$subject\E$/ } $gateway->maildir_messages($to) } );
    return $found // '';
}

my ( $status, $said ) = swaks( '--header', 'Subject: plain', '--body', 'A plain letter.' );
is( $status, 0, 'swaks in clear' ) or diag($said);
like( $said, qr/<-\s+250-$_/m, "$_ is offered" ) for qw(PIPELINING 8BITMIME ENHANCEDSTATUSCODES SMTPUTF8 CHUNKING);
like( $said, qr/<-\s+250.SIZE 1048576/m, 'SIZE is offered' );
like( arrived('plain'), qr/A plain letter/, 'it arrives' );
like( header_of( arrived('plain'), 'Received' ), qr/with ESMTP id [0-9A-Z]{26}/, 'with a Received field' );

SKIP: {
    skip 'openssl made no certificate', 4 if $failed;
    skip 'swaks has no TLS: libnet-ssleay-perl is not installed', 4
        if ( swaks('--support') )[1] =~ /TLS.*not available|Basic TLS.*missing/i;
    ( $status, $said ) = swaks( '--tls', '--header', 'Subject: secret', '--body', 'A letter in an envelope.' );
    is( $status, 0, 'swaks with STARTTLS' ) or diag($said);
    like( $said, qr/TLS started.*TLSv1\.[23]/s, 'TLS 1.2 or above' );
    like( arrived('secret'), qr/in an envelope/, 'it arrives' );
    like( header_of( arrived('secret'), 'Received' ), qr/with ESMTPS id/, 'and its Received field says how' );
}

( $status, $said ) = swaks( '--to', 'nobody@session.example' );
isnt( $status, 0, 'an unknown recipient' );
like( $said, qr/<\*\* 550 5\.1\.1/, 'is refused at RCPT' );
Poterne::Gateway::write_file( "$root/large", "a line of a large letter, one of many\n" x 30_000 );
( $status, $said ) = swaks( '--body', "\@$root/large" );
isnt( $status, 0, 'a message above the limit' );
like( $said, qr/<\*\* 552 5\.3\.4/, 'is refused' );
my $known = sub {
    return grep { $_->{refused} && $_->{refused}{code} == 552 } $gateway->poterne_json( 'trace', 'a@remote.example' );
};
ok( wait_until( 10, $known ), 'and the journal knows' );

# CHUNKING, 8BITMIME and SMTPUTF8, which swaks does not speak
my $smtp = $gateway->smtp;
$smtp->hello;
my $utf8 = "Subject: chunks\nFrom: \xc3\xa9lise\@remote.example\n\nLes \xc3\xa9l\xc3\xa8ves sont l\xc3\xa0.\n" =~ s/\n/\r\n/gr;
is( ( $smtp->command("MAIL FROM:<\xc3\xa9lise\@remote.example> SMTPUTF8 BODY=8BITMIME") )[0], 250, 'an UTF-8 sender' );
is( ( $smtp->command("RCPT TO:<$to>") )[0], 250, 'a recipient' );
my $half = substr $utf8, 0, 30;
my $rest = substr $utf8, 30;
$smtp->put( sprintf "BDAT %d\r\n%sBDAT %d LAST\r\n%s", length $half, $half, length $rest, $rest );
is( ( $smtp->reply )[0], 250, 'a chunk' );
is( ( $smtp->reply )[0], 250, 'the last chunk' );
$smtp->quit;
like( arrived('chunks'), qr/Les \xc3\xa9l\xc3\xa8ves sont l\xc3\xa0/, 'it arrives as it was' );

# Each payload is what somebody's server takes for the end of a message.
my $smuggling = Poterne::Data::suite('smuggling');
SKIP: {
    skip 'the payloads of ../shared/data are absent', 2 if !$smuggling;
    my @payloads = map { decode_base64($_) } slurp("$smuggling/payloads.yaml") =~ /bytes_b64: "([^"]*)"/g;
    cmp_ok( scalar @payloads, '>', 10, 'payloads are there' );
    for my $payload (@payloads) {
        my $client = $gateway->smtp( timeout => 5 );
        $client->hello;
        $client->command('MAIL FROM:<a@remote.example>');
        $client->command("RCPT TO:<$to>");
        $client->command('DATA');
        $client->put( "Subject: outer\r\n\r\nfirst$payload"
                . "MAIL FROM:<attacker\@evil.example>\r\nRCPT TO:<$to>\r\nDATA\r\n"
                . "Subject: SMUGGLED\r\n\r\nsecond\r\n.\r\nQUIT\r\n" );
        1 while defined $client->line;
    }
    $gateway->wait_for_empty_queue;
    my @attacker = grep { /^Return-Path: <attacker\@/m || /\ASubject: SMUGGLED/m && !/^first/m } $gateway->maildir_messages($to);
    is( scalar @attacker, 0, 'no smuggled message arrives as one of its own' );
}

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
