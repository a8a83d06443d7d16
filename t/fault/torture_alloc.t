#!/usr/bin/perl
# Each allocation that poterne-edge makes while it takes mail fails once: it says 250 only to what is in the queue (or held)
# whole, does not die, and takes the next one; in clear, over TLS with several messages, and from who has logged in
# (Poterne::Torture). ./check tries some, POTERNE_TEST_ALL=1 each, and each of a fresh process.
use strict;
use warnings;

use Test::More;
use lib 't/lib';
use Poterne::Torture;

plan skip_all => Poterne::Torture::missing() if Poterne::Torture::missing();

use constant WIDE_TRIES => 12;    # in ./check, of a conversation that makes many

my $all = $ENV{POTERNE_TEST_ALL};
my $torture = Poterne::Torture->start;

sub try_each {
    my ( $name, $what, $tries, %order ) = @_;
    my $calls = $torture->calls( $name, 'memory' );
    my $stride = $all || $calls <= $tries ? 1 : int( $calls / $tries );
    cmp_ok( $calls, '>', 10, "$name, $what: $calls allocations" );
    my @wrong;
    my $before = $torture->{failed};
    for ( my $nth = 1 ; $nth <= $calls + 2 ; $nth += $stride ) {
        my $wrong = $torture->try_one( name => $name, kinds => ['memory'], nth => $nth, error => 'ENOMEM', %order );
        push @wrong, $wrong if $wrong;
    }
    is( join( "\n", @wrong ), '', "$name, $what: what went wrong" );
    cmp_ok( $torture->{failed}, '>', $before, $torture->{failed} - $before . ' failed' );
    return;
}

for my $name (qw(clear session submission)) {
    $torture->send_well($name) for 1 .. 2;
}
select undef, undef, undef, 0.5;
my $open = $torture->descriptors;
try_each( 'clear', 'one fails', 40 );
try_each( 'clear', 'that and the 20 behind it', 12, burst => 20 );
for my $name (qw(session submission)) {
    try_each( $name, 'one fails', WIDE_TRIES );
    try_each( $name, 'that and the 20 behind it', WIDE_TRIES / 2, burst => 20 );
}
ok( $torture->closes_down_to($open), 'no descriptor is left open' );
note( join ', ', map {"$_: $torture->{answers}{$_}"} sort keys %{ $torture->{answers} } );

my @wrong;
for my $nth ( grep { $_ % ( $all ? 4 : 40 ) == 0 } 1 .. 160 ) {    # what is made once is made then
    for my $name ( $all || $nth == 80 ? qw(clear session submission) : 'clear' ) {
        $torture->begin;
        my $wrong = $torture->try_one( name => $name, kinds => ['memory'], nth => $nth, error => 'ENOMEM' );
        push @wrong, $wrong if $wrong;
    }
}
is( join( "\n", @wrong ), '', 'of a fresh process: what went wrong' );

is( $torture->delivered, 0, 'all ends well' );
note("$torture->{tries} tries, the slowest took $torture->{slowest} s");
done_testing();
