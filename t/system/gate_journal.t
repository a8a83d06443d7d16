#!/usr/bin/perl
# Whatever the gate does to a client stands in the journal with its reason: `poterne trace` tells it of
# each. (Lists: resolver.t.)
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);

my $to = 'jean@gate.example';
my $root = tempdir( 'poterne-reasons-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my %common = (
    early_talker  => '1s',
    helo_refuse   => '{ own, unqualified }',
    tarpit        => '1s',
    harvest_limit => 3,
    proxy_from    => '{ 127.0.0.0/8 }',
);

sub gateway {
    my ( $name, %gate ) = @_;
    return Poterne::Gateway->new(
        root     => "$root/$name",
        settings => { gate => { %common, %gate }, smtp => { errors_limit => 6 } },
        domains  => { 'gate.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
    )->start;
}

# Commands of a client with an address of our choice, each when the last was answered; `early`: at once.
sub session {
    my ( $gateway, $ip, @commands ) = @_;
    my $early = $commands[0] eq 'early' && shift @commands;
    my $socket = IO::Socket::INET->new( PeerAddr => '127.0.0.1', PeerPort => $gateway->{port}, Timeout => 10 ) or die "no connection: $!\n";
    local $SIG{PIPE} = 'IGNORE';
    my $answer = sub {
        while ( my $line = <$socket> ) { return $line if $line =~ /^\d+ / }
        return '';
    };
    my $header = "PROXY TCP4 $ip 198.51.100.7 1025 25\r\n";
    print {$socket} $header if !$early;
    $commands[0] = $header . $commands[0] if $early;
    my @answers = $early ? () : $answer->();
    for my $command (@commands) {
        print {$socket} $command =~ s/(?<!\r)\n/\r\n/gr . "\r\n";
        push @answers, $answer->();
    }
    close $socket;
    return @answers;
}

my $gateway = gateway('strict');

sub traced {
    my ( $ip, $pattern, $name ) = @_;
    my $said;
    my $there = wait_until( 10, sub { $said = ( $gateway->poterne( 'trace', $ip ) )[1]; return $said =~ $pattern } );
    return ok( $there, $name ) || diag($said);
}

session( $gateway, '192.0.2.1', 'early', 'EHLO eager.example' );
traced( '192.0.2.1', qr/refused at connect\n.*554 5\.5\.1 You spoke before you were greeted/s, 'who speaks too early' );
session( $gateway, '192.0.3.1', 'EHLO friend' );
traced( '192.0.3.1', qr/refused at helo\n.*550 5\.7\.1 Say your full host name: friend$/ms, 'a name in HELO that is none' );
session( $gateway, '192.0.4.1', 'EHLO guess.example', 'MAIL FROM:<>', map {"RCPT TO:<guess$_\@gate.example>"} 1 .. 4 );
traced( '192.0.4.1', qr/guess4\@gate\.example.*451 4\.7\.1 Too many unknown recipients from your network/s, 'who guesses recipients' );
my @mail = ( "MAIL FROM:<a\@clumsy.example>", "RCPT TO:<$to>", 'DATA', letter($to) . '.' );
my @said = session( $gateway, '192.0.5.1', 'EHLO clumsy.example', ('BOGUS') x 4, @mail );
like( $said[-1], qr/^250 /, 'a clumsy client brings a message' );
traced( '192.0.5.1', qr/session +its answers came 1 s later in all \(tarpit\)/, 'what the tarpit took of its time' );
session( $gateway, '192.0.6.1', 'EHLO clumsy.example', ('BOGUS') x 6 );
traced( '192.0.6.1', qr/session +its answers came \d+ s later .*421 4\.7\.0 Too many errors/s, 'also of one that was sent away' );
is( $gateway->stop, 0, 'the gateway stops as asked' );

$gateway = gateway( 'grey', early_talker => '0', greylist => 'yes', greylist_delay => '1h' );
session( $gateway, '192.0.7.1', 'EHLO new.example', 'MAIL FROM:<a@new.example>', "RCPT TO:<$to>" );
traced( '192.0.7.1', qr/from <a\@new\.example>.*451 4\.7\.1 Greylisted for now: try again in 3600 s/s, 'who has to come again, and when' );
is( $gateway->stop, 0, 'the gateway stops as asked' );

$gateway = gateway( 'lenient', early_talker => '0' );
@said = session( $gateway, '192.0.8.1', 'early', 'EHLO eager.example', @mail );
traced( '192.0.8.1', qr/session +it spoke before it was greeted/, 'who speaks too early and is served all the same' );
is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
