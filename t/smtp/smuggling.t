#!/usr/bin/perl
# Payloads of SMTP smuggling as others have collected them (../shared/data/suites): whatever stands
# between two messages, exactly one is accepted, the first. t/smtp/smuggling*.txt have the exact replies.
use strict;
use warnings;
use MIME::Base64 qw(decode_base64);
use Test::More;
use lib 't/lib';
use Poterne::World;

my $archive = ( $ENV{POTERNE_DATA} // '../shared/data' ) . '/suites/suites.tar.xz';
plan skip_all => "$archive is absent" if !-e $archive;
my $yaml = `tar -xJOf $archive --wildcards '*smuggling/payloads.yaml' 2>/dev/null`;
my @payloads = $yaml =~ /^- id: (\S+)\n\s+bytes_b64: "([^"]+)"/mg;
plan skip_all => "no payloads in $archive" if !@payloads;

my $world = Poterne::World->start;
my $sent = 0;
while ( my ( $name, $bytes ) = splice @payloads, 0, 2 ) {
    my $client = $world->client;
    $client->say( 'MAIL FROM:<a@b.example>', 'RCPT TO:<jean@ours.example>', 'DATA' );
    $client->hear for 1 .. 3;
    $client->bytes( 'Subject: first' . decode_base64($bytes) );
    $client->say( 'MAIL FROM:<attacker@evil.example>', 'RCPT TO:<jean@ours.example>', 'DATA', 'Subject: smuggled', '', '.', 'QUIT' );
    my @replies;
    while ( my $reply = $client->hear(5) ) {
        push @replies, $reply;
    }
    my $accepted = grep {/ Accepted as /} @replies;
    is( $accepted, 1, "$name: $replies[0]" ) or diag join "\n", @replies;
    is( scalar $world->files('queue'), ++$sent, "$name: one is in the queue" );
}
is( $world->stop, 0, 'drained' );
done_testing();
