#!/usr/bin/perl
# Mail that never gets a connection: to another domain because others have all of them, to our own server
# because that answers nothing. Whoever waits is told why, and is held when its time is over.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Process qw(command_output free_port wait_until);
use Poterne::Sink;

plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();

use constant LIFETIME => 8;

my $root = tempdir( 'poterne-lanes-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $build = $ENV{POTERNE_BUILD} // 'build';

# The kernel takes the connection, and nobody ever says a word.
sub silent {
    my ( $host, $port ) = @_;
    return IO::Socket::INET->new( LocalAddr => $host, LocalPort => $port, Listen => 20, ReuseAddr => 1 ) // die "silent: $@\n";
}

my $port = free_port();
my $mute = silent( '127.0.0.2', $port );
my $ours = silent( '127.0.0.1', 0 );
my $free = Poterne::Sink->start( root => "$root/free", host => '127.0.0.3', port => $port, smtp => 1 );
my $dns = Poterne::Dns->new(
    folder  => "$root/dns",
    records => [ 'mute.example. A 127.0.0.2', 'free.example. A 127.0.0.3', 'other.example. A 127.0.0.3' ]
)->start;

my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        resolver  => $dns->settings,
        antivirus => { engines => '{ }' },
        queue     => { free_space_min => '0', retry_first => '1s', retry_max => '2s', lifetime => LIFETIME . 's', reply_timeout => '10min' },
        outside   => { never_to => '{ }', port => $port, connections_limit => 1 },
    },
    domains => { 'ours.example' => { next_hop => 'lmtp://127.0.0.1:' . $ours->sockport, recipients => ['jean@ours.example'] } }
)->start;

sub put {
    my ($to) = @_;
    my ( $status, $id ) = command_output( "$build/t/delivery/put", "$root/state", 'sender@ours.example', 'a test', $to );
    die "put: $id" if $status;
    return $id =~ s/\s+\z//r;
}

sub outcomes {
    my ($id) = @_;
    my ($message) = $gateway->poterne_json( 'trace', $id );
    return @{ ( $message->{recipients} // [] )->[0]{outcomes} // [] };
}

sub becomes {
    my ( $id, $state ) = @_;
    my $last = {};
    wait_until( 4 * LIFETIME, sub { $last = ( outcomes($id) )[-1] // {}; ( $last->{state} // '' ) eq $state } );
    return $last;
}

my $before = put('x@free.example');
is( becomes( $before, 'delivered' )->{state}, 'delivered', 'one connection is enough for one' );

my $first = put('x@mute.example');
ok( wait_until( 10, sub { $mute->accept } ), 'the only connection is with a server that says nothing' );
my $waits = put('x@other.example');
my $outcome = becomes( $waits, 'deferred' );
is( $outcome->{state}, 'deferred', 'who finds none is told' );
like( $outcome->{detail} // '', qr/4\.4\.5 .*all 1 connections to other domains/, '… why, in the journal' );
my ( undef, $queue ) = $gateway->poterne('queue');
like( $queue, qr/all 1 connections to other domains/, '… and in the list of the queue' );

my $own = put('jean@ours.example');
like( becomes( $own, 'deferred' )->{detail} // '', qr/4\.4\.1 .*has not answered/, 'our own server says nothing: so does the journal' );

for my $case ( [ $waits, 'who never got a connection' ], [ $first, 'who waits for one that is being made' ], [ $own, 'the same, to our own server' ] ) {
    my ( $id, $what ) = @$case;
    $outcome = becomes( $id, 'held' );
    is( $outcome->{state}, 'held', "$what is held when the time is over" );
    like( $outcome->{detail} // '', qr/not delivered within \d+ seconds; at last: 4\.4\.[15] /, '… and why' );
    is( scalar( grep { $_->{state} eq 'deferred' } outcomes($id) ), 1, '… told once before' );
}
is( scalar( $free->messages('x@other.example') ), 0, 'it went nowhere' );

is( $gateway->stop, 0, 'the gateway ends as it should' );
$free->stop;
$dns->stop;
done_testing();
