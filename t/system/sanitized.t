#!/usr/bin/perl
# The system tests again, with the gateway that was built with ASan and UBSan (./check --all).
use strict;
use warnings;

use Test::More;
use lib 't/lib';
use Poterne::Process qw(command_output);

plan skip_all => 'only ./check --all runs the system tests under sanitizers' if !$ENV{POTERNE_TEST_ALL};
plan skip_all => 'build/asan is not built' if !-x 'build/asan/gateway/poterned';
local $ENV{POTERNE_BUILD} = 'build/asan';
for my $name (qw(session tools directory next_hop reload kill relay)) {
    my ( $status, $said ) = command_output("t/system/$name.t");
    my @worth_saying = grep { !/^ok / } split /^/, $said;
    ok( $status == 0, $name ) or diag(@worth_saying);
    diag(@worth_saying) if $said =~ /^1\.\.0 # skip/i;
}
done_testing();
