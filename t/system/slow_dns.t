#!/usr/bin/perl
# Name servers that take half a second for an answer, and one worker to judge mail: while one message
# waits for its answers others are judged, whoever has no use any more goes, and a worker that dies
# while it waits costs its own message a retry and nothing else.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time sleep);
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);
use Poterne::Smtp;

plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();

use constant { MESSAGES => 40, WORKERS_WAITING => 30 };

my $root = tempdir( 'poterne-slow-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $to = 'user@slow.example';
my $dns = Poterne::Dns->new( folder => "$root/dns", records => ['1.0.0.127.in-addr.arpa. PTR client.test.', 'client.test. A 127.0.0.1'] )->start;
my $slow = $dns->slow_port(0.5);
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        resolver  => $dns->settings( servers => qq("127.0.0.1:$slow") ),
        antivirus => { engines => '{ }' },
        content   => { workers => 1, workers_waiting => WORKERS_WAITING },
    },
    domains => { 'slow.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;

sub workers {
    my ( undef, @workers ) = @{ $gateway->processes->{content} // [] };    # the leader comes first
    return @workers;
}

my $number = 0;

# Sessions that have said everything but the message.
sub sessions {
    my ($n) = @_;
    my @sessions = map { Poterne::Smtp->new( port => $gateway->{port}, timeout => 60 ) } 1 .. $n;
    for my $smtp (@sessions) {
        $smtp->hello;
        $smtp->command( sprintf 'MAIL FROM:<x@n%d.test>', ++$number );
        $smtp->command("RCPT TO:<$to>");
        my ($code) = $smtp->command('DATA');
        die "DATA was answered with $code\n" if $code != 354;
    }
    return @sessions;
}

my $message = Poterne::Smtp::dotted( \letter($to) );

is( scalar workers(), 1, 'one worker at first' );
my @sessions = sessions(MESSAGES);
my $begin = time;
$_->put($message) for @sessions;
my @codes = map { ( $_->reply )[0] } @sessions;
my $took = time - $begin;
is_deeply( \@codes, [ (250) x MESSAGES ], MESSAGES . ' messages at once are all taken' );
cmp_ok( $took, '<', MESSAGES * 0.5 / 3, sprintf 'one after another they would take %.0f s', MESSAGES * 0.5 );
diag( sprintf '%d messages in %.1f s', MESSAGES, $took );
my $grown = workers();
cmp_ok( $grown, '>', 5,                   "there are more workers now ($grown)" );
cmp_ok( $grown, '<', WORKERS_WAITING + 2, 'and not more than may be' );

# --- a worker dies while it waits ---

my ($smtp) = sessions(1);
my %before = map { $_ => 1 } workers();
$smtp->put($message);
sleep 0.25;
kill 'KILL', workers();
is( ( $smtp->reply )[0], 451, 'a worker that dies while it waits: the message is to come again' );
ok( wait_until( 20, sub { my @now = workers(); @now && !grep { $before{$_} } @now } ), 'others take its place' );
($smtp) = sessions(1);
$smtp->put($message);
is( ( $smtp->reply )[0], 250, 'and mail goes on' );

ok( wait_until( 90, sub { workers() == 1 } ), 'those that are not needed any more go' );
unlike( $gateway->log_text =~ s/^.*(?:died \(Killed\)|gave no answer).*$//gmr, qr/ error: /, 'without an error in the log' );

$gateway->stop;
$dns->stop;
done_testing();
