#!/usr/bin/perl
# STARTTLS of poterne-edge, with openssl s_client as the other side.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Process qw(command_output);
use Poterne::World;

my ( $status, $version ) = command_output(qw(openssl version));
plan skip_all => 'openssl is not installed' if $status;

my $folder = tempdir( CLEANUP => 1 );
my ( $failed, $output ) = command_output(
    qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mx.ours.example),
    '-keyout', "$folder/key.pem", '-out', "$folder/cert.pem"
);
plan skip_all => "openssl makes no certificate: $output" if $failed;
chmod 0755, $folder;
chmod 0644, "$folder/key.pem";

my $world = Poterne::World->start(
    settings => "smtp { tls_certificate = \"$folder/cert.pem\"; tls_key = \"$folder/key.pem\" }" );

# What the server says to these lines, sent over TLS in one go.
sub converse {
    my ( $options, @lines ) = @_;
    open my $file, '>', "$folder/input" or die "input: $!\n";
    print {$file} map {"$_\r\n"} @lines;
    close $file;
    my $command = "openssl s_client -connect 127.0.0.1:$world->{port} -starttls smtp -quiet -ign_eof $options";
    return `timeout 20 $command < $folder/input 2>&1`;
}

my @mail = ( 'MAIL FROM:<a@b.example>', 'RCPT TO:<jean@ours.example>' );
for my $tls (qw(-tls1_2 -tls1_3)) {
    my $said = converse( $tls, @mail, 'EHLO client.example', @mail, 'DATA', 'Subject: x', '', 'body', '.', 'QUIT' );
    like( $said, qr/^503 5\.5\.1 Say EHLO first/m, "$tls: what was said in clear is forgotten" );
    unlike( $said, qr/250-STARTTLS.*250-STARTTLS/s, 'TLS is not offered within TLS' );
    my ($id) = $said =~ /^250 2\.0\.0 Accepted as (\S+)/m;
    ok( $id, 'a message comes in' ) or diag $said;
    like( $world->file( queue => $id // '' ), qr/\(using TLSv1\.\d with cipher \S+\)\r\n\tby mx.ours.example .* with ESMTPS id/,
        'and its Received field says how' ) if $id;
}
like( converse('-tls1_1'), qr/alert|no protocols available|error/i, 'TLS 1.1 is refused' );

my $large = join "\r\n", map { "$_ " . 'x' x 900 } 1 .. 4000;
like( converse( '', 'EHLO c', @mail, 'DATA', $large, '.', 'QUIT' ), qr/^250 2\.0\.0 Accepted/m, 'a large message' );

# commands put behind STARTTLS by somebody in between
my $client = $world->client;
$client->say( 'STARTTLS', 'MAIL FROM:<attacker@b.example>', 'RCPT TO:<jean@ours.example>' );
like( $client->hear, qr/^220 /, 'STARTTLS' );
is( $client->hear(1), undef, 'what was pipelined behind it is not answered' );
$client->bytes("this is no handshake\r\n");
ok( $client->closed, 'and what is no handshake ends the session' );
like( $world->client->ask('NOOP'), qr/^250 /, 'others are served' );

my $slow = $world->client;
like( $slow->ask('STARTTLS'), qr/^220 /, 'one that never shakes hands' );
is( $world->stop, 0, 'is no reason not to stop' );

done_testing();
