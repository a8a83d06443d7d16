#!/usr/bin/perl
# One next hop is fine, one says nothing, one gives no answer before it is told to, one is away: all mail of the first
# arrives meanwhile, so that it can have waited for none of them. And with two connections to all other domains, one domain with a long line
# leaves the others theirs. (The figures, finely: make -C build bench-hops.)
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Faulty;
use Poterne::Gateway;
use Poterne::Passage;
use Poterne::Process qw(command_output free_port wait_until);

use constant { RATE => 20, SECONDS => 5, BURDEN => 60, GRACE => 1, LONG => 100, OTHERS => 6, PATIENCE => 60 };

my $root = tempdir( 'poterne-hops-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $build = $ENV{POTERNE_BUILD} // 'build';

sub at {
    my ( $part, @sorted ) = @_;
    return $sorted[ $part * @sorted ];
}

my $passage = Poterne::Passage->new( root => "$root/passage", slow => { holds => 1 } );
my @quiet = $passage->measure( 'quiet', RATE, SECONDS );
is( $passage->{missing}, 0, 'alone all of it arrives' );
$passage->burden(BURDEN);
ok( wait_until( PATIENCE, sub { $passage->{slow}->connections > 1 && $passage->{silent}->connections > 1 } ), 'the others are gone to' );
my @beside = $passage->measure( 'beside', RATE, SECONDS );
is( $passage->{missing}, 0, 'beside the others all of it arrives' );
is( scalar( () = $passage->{slow}->taken ), 0, '… while the slow one has taken nothing' );
diag( sprintf '50 and 99 of 100 within: %.1f and %.1f ms alone, %.1f and %.1f ms beside', map { 1000 * $_ } at( 0.5, @quiet ), at( 0.99, @quiet ), at( 0.5, @beside ), at( 0.99, @beside ) )
    if $ENV{POTERNE_TEST_ALL};
ok( at( 0.5, @beside ) <= 1.5 * at( 0.5, @quiet ) + GRACE, '… most of it about as soon as alone' )
    or diag( at( 0.5, @beside ) . ' s, and ' . at( 0.5, @quiet ) . ' s alone' );
cmp_ok( $passage->{silent}->connections, '<=', 25, 'the silent one is not flooded with connections' );
$passage->{slow}->heal;
ok( wait_until( PATIENCE, sub { $passage->{slow}->taken == BURDEN } ), 'the slow one gets its mail, as soon as it answers' );
is( $passage->stop, 0, 'the gateway ends as it should' );

SKIP: {
    skip Poterne::Dns::missing(), 7 if Poterne::Dns::missing();
    my $port = free_port();
    my $busy = Poterne::Faulty->start( root => "$root/busy", host => '127.0.0.2', port => $port, pause => 0.04 );
    my $others = Poterne::Faulty->start( root => "$root/others", host => '127.0.0.3', port => $port, pause => 0.04 );
    my $mute = Poterne::Faulty->start( root => "$root/mute", host => '127.0.0.4', port => $port, at => 'greeting', does => 'stall' );
    my $dns = Poterne::Dns->new(
        folder  => "$root/dns",
        records => [ 'busy.example. A 127.0.0.2', 'mute1.example. A 127.0.0.4', 'mute2.example. A 127.0.0.4', map { "other$_.example. A 127.0.0.3" } 1 .. OTHERS ]
    )->start;
    my $gateway = Poterne::Gateway->new(
        root     => "$root/gateway",
        settings => {
            resolver  => $dns->settings,
            antivirus => { engines => '{ }' },
            queue     => { retry_first => '30s' },
            outside   => { never_to => '{ }', port => $port, connections_limit => 2 },
        },
        domains => { 'ours.example' => { next_hop => 'lmtp://127.0.0.1:' . free_port(), recipients => ['jean@ours.example'] } }
    )->start;
    my $put = sub {
        my ( $status, $id ) = command_output( "$build/t/delivery/put", "$root/gateway/state", 'sender@ours.example', 'a test', $_[0] );
        die "put: $id" if $status;
    };
    system( "$build/t/delivery/fill", "$root/gateway/state", LONG, 'busy.example' ) == 0 or die "fill: $?\n";
    ok( wait_until( PATIENCE, sub { $busy->taken } ), 'all connections are with one domain' );
    $put->("x\@other$_.example") for 1 .. OTHERS;
    ok( wait_until( PATIENCE, sub { $others->taken == OTHERS } ), 'six others get theirs' );
    cmp_ok( scalar( () = $busy->taken ), '<', LONG, '… before its long line is worked off' );
    ok( wait_until( PATIENCE, sub { $busy->taken == LONG } ), '… which it is in the end' );

    # OUTSIDE_PATIENCE
    SKIP: {
        skip 'a silent server is given up after 20 seconds: POTERNE_TEST_ALL=1', 2 if !$ENV{POTERNE_TEST_ALL};
        $put->("x\@mute$_.example") for 1 .. 2;
        ok( wait_until( PATIENCE, sub { $mute->connections >= 2 } ), 'all connections are with servers that say nothing' );
        $put->('y@other1.example');
        ok( wait_until( PATIENCE, sub { $others->taken > OTHERS } ), '… which give way to others' );
    }
    is( $gateway->stop, 0, 'the gateway ends as it should' );
    $_->stop for $busy, $others, $mute, $dns;
}
done_testing();
