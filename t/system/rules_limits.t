#!/usr/bin/perl
# Hostile messages: every pattern of the rule sets on texts made to be slow for it ends in time, all
# rules together end in time, and who gave up is named. Each 16th rule; all with POTERNE_TEST_ALL=1.
use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(command_output command_answer);
use Poterne::SpamAssassin;

# What the limits promise (rules/match/regex.h, rules/rules.h), with room for a slow machine.
use constant { SEARCH_MS => 300, MESSAGE_MS => 6000 };

my $build = $ENV{POTERNE_BUILD} // 'build';
my $program = "$build/t/system/regex_limits";
plan skip_all => "$program is not built" if !-x $program;
my $root = tempdir( 'poterne-limits-XXXXXX', TMPDIR => 1, CLEANUP => 1 );

my @rules = ( '-r', 'rules/stock' );
if ( -d Poterne::SpamAssassin::RULES ) {
    push @rules, '-r', Poterne::SpamAssassin::RULES;
}
else {
    diag("SpamAssassin's rules are not tried: package spamassassin is not installed");
}
my $every = $ENV{POTERNE_TEST_ALL} ? 1 : 16;
my ( $status, $said ) = command_output( $program, @rules, '--every', $every, '--slowest', 10 );
is( $status, 0, 'every pattern was tried, and nothing crashed' ) or diag($said);
my %figure = $said =~ /^([a-z.]+) ([\d.]+) /mg;
note($said);
cmp_ok( $figure{searches}, '>', 10 * $figure{patterns}, 'on many texts' );
is( $figure{'patterns.unread'}, 0, 'made for it' );
cmp_ok( $figure{'searches.worst'}, '<', SEARCH_MS,  'each search ends in time' );
cmp_ok( $figure{'messages.worst'}, '<', MESSAGE_MS, 'and each message' );
cmp_ok( $figure{'searches.limited'}, '<', $figure{searches} / 20, 'nearly always with an answer' );
diag( sprintf '%d patterns: %d searches, the slowest %.0f ms, %d gave up; %d messages, the slowest %.0f ms',
    @figure{qw(patterns searches searches.worst searches.limited messages messages.worst)} );

# Who gives up is named wherever a verdict is explained.
Poterne::Gateway::write_file( "$root/slow.cf", "body SLOW /^(a+)+\$/\nbody FINE /!/\n" );
Poterne::Gateway::write_file( "$root/letter", letter( 'a@b.example', 'Slow', ( 'a' x 60 ) . "!\n" ) );

sub slow_of {
    my (@command) = @_;
    ( undef, my $json ) = command_answer( "$build/poterne", @command, '--json', "$root/letter" );
    my $object = eval { JSON::PP->new->utf8->decode($json) } // {};
    return join ' ', @{ $object->{limited} // ["no JSON: $json"] };
}
is( slow_of( 'rules', 'hits', '--rules', "$root/slow.cf" ), 'SLOW', 'rules hits --json names it' );
( undef, $said ) = command_output( "$build/poterne", 'rules', 'hits', '--rules', "$root/slow.cf", "$root/letter" );
like( $said, qr/SLOW ran into a limit/, 'rules hits' );
Poterne::Gateway::write_file( "$root/index", "ham letter\n" );
( undef, $said ) = command_output( "$build/poterne", 'masscheck', '--quiet', '--rules', "$root/slow.cf", "$root/index" );
like( $said, qr/,limited=SLOW/, 'masscheck' );

SKIP: {
    my $to = 'jean@limits.example';
    chmod 0755, $root;
    skip 'the gateway is not built', 2 if !-x "$build/gateway/poterned";
    my $gateway = Poterne::Gateway->new(
        root     => $root,
        settings => { spam => { rules => qq({ "$root/slow.cf" }) } },
        domains  => { 'limits.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
    )->start;
    my $message = letter( $to, 'Slow', ( 'a' x 60 ) . "!\n" );
    my $result = $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message );
    is( $result->{code}, 250, 'the message goes through' );
    my ($id) = $result->{text} =~ /([0-9A-Z]{26})/;
    ok( Poterne::Process::wait_until(
            20, sub { ( $gateway->poterne( 'trace', $id // 'none' ) )[1] =~ /SLOW ran into a limit/ } ),
        'and its evidence in the journal names it' )
        or diag( ( $gateway->poterne( 'trace', $id // 'none' ) )[1] );
    $gateway->stop;
}
done_testing();
