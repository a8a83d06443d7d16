#!/usr/bin/perl
# The next hop refuses, defers, is away and comes back, also while the gateway restarts: what is
# owed is delivered once and in the end; what is refused for good is held and not lost.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(free_port wait_until);
use Poterne::Sink;

my $domain = 'hop.example';
my @users = map { "$_\@$domain" } qw(jean claire later-2 never away-1 away-2);
my ( $jean, $claire, $later, $never, @away ) = @users;
my $root = tempdir( 'poterne-hop-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $port = free_port();
my $sink = Poterne::Sink->start( root => "$root/sink", port => $port );
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => { queue => { retry_first => '1s', retry_max => '2s', connect_timeout => '2s' } },
    domains  => { $domain => { next_hop => "lmtp://127.0.0.1:$port", recipients => \@users } }
)->start;

sub send_to {
    my ( $subject, @to ) = @_;
    my $message = letter( $to[0], $subject );
    my $result = $gateway->send_one( from => 'a@remote.example', to => \@to, data => \$message );
    is( $result->{code}, 250, "$subject: taken" ) or diag( $result->{text} );
    return $result->{text} =~ /\b([0-9A-Z]{26})\b/ ? $1 : '';
}

# { address => state } as the journal has it
sub states_of {
    my ($id) = @_;
    my ($story) = $gateway->poterne_json( 'trace', $id );
    return { map { $_->{address} => $_->{state} } @{ $story->{recipients} // [] } };
}

sub came {
    my ( $address, $subject ) = @_;
    return scalar grep { /^Subject: \Q$subject\E\r$/m } $sink->messages($address);
}

# One message, each recipient with a fate of its own.
my $id = send_to( 'mixed', $jean, $later, $never, $claire );
ok( wait_until( 30, sub { came( $later, 'mixed' ) } ), 'who was told to come later is served later' );
ok( wait_until( 10, sub { $gateway->wait_for_empty_queue(0) } ), 'then nothing is owed' );
is( came( $_, 'mixed' ), 1, "$_ has it once" ) for $jean, $claire, $later;
is( came( $never, 'mixed' ), 0, 'who is refused has it not' );
wait_until( 5, sub { states_of($id)->{$never} eq 'held' } );
is_deeply(
    states_of($id),
    { $jean => 'delivered', $claire => 'delivered', $later => 'delivered', $never => 'held' },
    'the journal knows the fate of each'
);
my ( undef, $story ) = $gateway->poterne( 'trace', $id );
like( $story, qr/550 5\.1\.1 Never/, 'trace has the words of the next hop' );
like( $story, qr/deferred .*451 4\.2\.0 Later/, 'also of the tries that failed' );
is_deeply( [ $gateway->spooled('quarantine') ], [$id], 'what could not be delivered is held' );

# Away, over a restart of the gateway, and back.
$sink->stop;
my $first = send_to( 'while away', $away[0] );
ok( wait_until( 10, sub { ( states_of($first)->{ $away[0] } // '' ) eq 'deferred' } ), 'it waits, and the journal says so' );
my ( undef, $queue ) = $gateway->poterne('queue');
like( $queue, qr/\Q$first\E.*deferred.*127\.0\.0\.1/s, 'poterne queue says why' );
is( $gateway->stop, 0, 'the gateway stops' );
is_deeply( [ $gateway->spooled('queue') ], [$first], 'the queue outlives it' );
$gateway->start;
my $second = send_to( 'after a restart', $away[1] );
$sink = Poterne::Sink->start( root => "$root/sink", port => $port );
my ( $status, $said ) = $gateway->poterne( 'queue', 'flush' );
is( $status, 0, 'the queue is flushed' ) or diag($said);
ok( $gateway->wait_for_empty_queue(20), 'the queue gets empty' );
is( came( $away[0], 'while away' ), 1, 'what waited came once' );
is( came( $away[1], 'after a restart' ), 1, 'and what came after it' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
$sink->stop;
done_testing();
