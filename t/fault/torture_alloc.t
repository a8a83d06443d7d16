#!/usr/bin/perl
# Each allocation that poterne-edge makes while it takes a message fails once: it says 250 only to what is in the queue
# whole, does not die, and takes the next message. ./check tries some, POTERNE_TEST_ALL=1 each, and each of a fresh process.
use strict;
use warnings;

use Test::More;
use lib 't/lib';
use Poterne::Faults;
use Poterne::Torture;

plan skip_all => Poterne::Faults::missing() if Poterne::Faults::missing();

my $all = $ENV{POTERNE_TEST_ALL};
my $torture = Poterne::Torture->start;

sub try_each {
    my ( $what, $stride, %order ) = @_;
    my $calls = $torture->calls('memory');
    cmp_ok( $calls, '>', 10, "$what: $calls allocations" );
    my @wrong;
    my $before = $torture->{failed};
    for ( my $nth = 1 ; $nth <= $calls + 2 ; $nth += $stride ) {
        my $wrong = $torture->try_one( kinds => ['memory'], nth => $nth, error => 'ENOMEM', %order );
        push @wrong, $wrong if $wrong;
    }
    is( join( "\n", @wrong ), '', "$what: what went wrong" );
    cmp_ok( $torture->{failed}, '>', $before, $torture->{failed} - $before . ' failed' );
    return;
}

$torture->send_well;
select undef, undef, undef, 0.5;
my $open = $torture->descriptors;
try_each( 'one fails', $all ? 1 : 3 );
try_each( 'that and the 20 behind it', $all ? 1 : 11, burst => 20 );
ok( $torture->closes_down_to($open), 'no descriptor is left open' );
note( join ', ', map {"$_: $torture->{answers}{$_}"} sort keys %{ $torture->{answers} } );

my @wrong;
for my $nth ( grep { $_ % ( $all ? 4 : 40 ) == 0 } 1 .. 160 ) {    # what is made once is made then
    $torture->begin;
    my $wrong = $torture->try_one( kinds => ['memory'], nth => $nth, error => 'ENOMEM' );
    push @wrong, $wrong if $wrong;
}
is( join( "\n", @wrong ), '', 'of a fresh process: what went wrong' );

is( $torture->delivered, 0, 'all ends well' );
note("slowest try: $torture->{slowest} s");
done_testing();
