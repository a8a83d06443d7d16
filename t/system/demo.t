#!/usr/bin/perl
# What a newcomer types first: ./demo --once, on a port of its own.
use strict;
use warnings;

use Test::More;
use lib 't/lib';
use Poterne::Process qw(command_output free_port);

plan skip_all => './demo uses build/, and that is not what is tested' if ( $ENV{POTERNE_BUILD} // 'build' ) ne 'build';
local $ENV{POTERNE_DEMO_PORT} = free_port();
my ( $status, $said ) = command_output( './demo', '--once' );
is( $status, 0, './demo --once' ) or diag($said);
like( $said, qr/^a good letter\s+250 .*ham\s+delivered\s+as it should/m, 'a good letter' );
like( $said, qr/^a spam\s+250 .*spam\s+delivered\s+as it should.*\[SPAM\] /ms, 'a spam' );
like( $said, qr/^a virus.*250 .*infected\s+in quarantine\s+as it should/m, 'a virus' );
like( $said, qr/^to nobody\s+550 .*refused\s+as it should/m, 'an unknown recipient' );
like( $said, qr/^over-size\s+552 .*refused\s+as it should/m, 'an over-size message' );
like( $said, qr/^a report\s+250 .*delivered\s+as it should.*waiting for a manager/ms, 'a report' );
is( ( command_output( './demo', '--nonsense' ) )[0], 1, 'an option that is none' );
done_testing();
