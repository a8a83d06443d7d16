#!/usr/bin/perl
# Name servers that take half a second for an answer, and one worker to judge mail: a message that waits
# for its answers holds nobody up, needs no worker, and is judged with all of them, however many look-ups
# stand one behind the other; what dies meanwhile costs it nothing but the answers.
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

use constant { MESSAGES => 40, DELAY => 0.5 };

my $root = tempdir( 'poterne-slow-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $to = 'user@slow.example';
my @records = ( '1.0.0.127.in-addr.arpa. PTR client.test.', 'client.test. A 127.0.0.1' );
push @records, map { sprintf 'n%d.test. 0 TXT "v=spf1 ip4:127.0.0.1 -all"', $_ } 1 .. MESSAGES;
push @records, map { sprintf 'chain%d.test. 0 TXT "v=spf1 include:chain%d.test -all"', $_, $_ + 1 } 1 .. 4;
push @records, 'fresh.test. 0 TXT "v=spf1 ip4:127.0.0.1 -all"';
push @records, 'chain5.test. 0 TXT "v=spf1 a:client.test -all"';
my $dns = Poterne::Dns->new( folder => "$root/dns", records => \@records )->start;
my $slow = $dns->slow_port(DELAY);
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        resolver  => $dns->settings( servers => qq("127.0.0.1:$slow") ),
        antivirus => { engines => '{ }' },
        content   => { workers => 1 },
        smtp      => { client_sessions_limit => 2 * MESSAGES },
    },
    domains => { 'slow.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => [$to] } }
)->start;

sub workers {
    my ( undef, @workers ) = @{ $gateway->processes->{content} // [] };    # the leader comes first
    return @workers;
}

# A session that has said everything but the message.
sub session {
    my ($from) = @_;
    my $smtp = Poterne::Smtp->new( port => $gateway->{port}, timeout => 60 );
    $smtp->hello;
    $smtp->command("MAIL FROM:<$from>");
    $smtp->command("RCPT TO:<$to>");
    my ($code) = $smtp->command('DATA');
    die "DATA was answered with $code\n" if $code != 354;
    return $smtp;
}

sub is_taken {
    my ( $from, $meanwhile ) = @_;
    my $smtp = session($from);
    $smtp->put( Poterne::Smtp::dotted( \letter($to) ) );
    $meanwhile->() if $meanwhile;
    return ( $smtp->reply )[0];
}

# What was told about the messages of a sender.
sub found {
    my ($from) = @_;
    wait_until( 20, sub { grep { /^Return-Path: <\Q$from\E>/mi || /smtp\.mailfrom=\Q$from\E/ } $gateway->maildir_messages($to) } );
    my ($message) = grep { /smtp\.mailfrom=\Q$from\E/ } $gateway->maildir_messages($to);
    return ( $message // '' ) =~ /(spf=\w+)/ ? $1 : 'nothing';
}

is( scalar workers(), 1, 'one worker' );
my @sessions = map { session("x\@n$_.test") } 1 .. MESSAGES;
my $message = Poterne::Smtp::dotted( \letter($to) );
my $begin = time;
$_->put($message) for @sessions;
my @codes = map { ( $_->reply )[0] } @sessions;
my $took = time - $begin;
is_deeply( \@codes, [ (250) x MESSAGES ], MESSAGES . ' messages at once are all taken' );
cmp_ok( $took, '<',  MESSAGES * DELAY / 3, sprintf 'one after another they would take %.0f s', MESSAGES * DELAY );
cmp_ok( $took, '>=', DELAY,                'and none without its answers' );
diag( sprintf '%d messages in %.1f s', MESSAGES, $took );
is( scalar workers(), 1, 'by one worker' );
is_deeply( [ map { found("x\@n$_.test") } 1 .. MESSAGES ], [ ('spf=pass') x MESSAGES ], 'each was judged with its answers, whose TTL is 0' );

# --- one look-up behind the other ---

$begin = time;
is( is_taken('x@chain1.test'), 250,        'a policy of five includes is taken' );
is( found('x@chain1.test'),    'spf=pass', 'and read to its end' );
cmp_ok( time - $begin, '>', 4 * DELAY, 'each of them was waited for' );

# --- what dies meanwhile ---

my %before = map { $_ => 1 } workers();
my $kill_worker = sub { sleep DELAY / 2; kill 'KILL', workers() };
is( is_taken( 'x@n1.test', $kill_worker ), 250,        'the worker dies while the message waits: it goes on with another' );
is( found('x@n1.test'),                    'spf=pass', 'with its answers' );
ok( wait_until( 20, sub { my @now = workers(); @now && !grep { $before{$_} } @now } ), 'one that took its place' );
my $kill_resolver = sub { sleep DELAY / 2; $gateway->signal_role( KILL => 'resolver' ) };
is( is_taken( 'x@fresh.test', $kill_resolver ), 250,             'the resolver dies while the message waits' );
is( found('x@fresh.test'),                      'spf=temperror', 'nobody knows then, and that is what it says' );
unlike( $gateway->log_text =~ s/^.*(?:died|resolver).*$//gmr, qr/ error: /, 'without another error in the log' );

$gateway->stop;
$dns->stop;
done_testing();
