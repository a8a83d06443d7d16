#!/usr/bin/perl
# What saves time changes no hit: the published rules and ours, with filters and without, with PCRE2's
# JIT and by its interpreter (as where the JIT may not make code), say the same of the same mail. Every
# 50th message of the corpora; all of them with POTERNE_TEST_ALL=1.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Data qw(corpus);
use Poterne::Process qw(command_answer);
use Poterne::SpamAssassin;

my $build = $ENV{POTERNE_BUILD} // 'build';
plan skip_all => "$build/poterne is not built" if !-x "$build/poterne";
my @corpora = grep {defined} map { corpus($_) } qw(sa modern);
plan skip_all => 'the corpora are not there (' . Poterne::Data::folder() . ')' if !@corpora;
diag("only rules/stock: package spamassassin is not installed") if !-d Poterne::SpamAssassin::RULES;

my $root = tempdir( 'poterne-filters-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
my $every = $ENV{POTERNE_TEST_ALL} ? 1 : 50;
my @paths = map { Poterne::SpamAssassin::paths_of( "$_/index", $every ) } @corpora;
open my $index, '>', "$root/index" or die "$root/index: $!\n";
print {$index} map { 'ham ' . abs_path($_) . "\n" } @paths;
close $index or die "$root/index: $!\n";

# The lines of masscheck, without what the clock says, and how many rules ran into a limit.
sub lines_of {
    my (@options) = @_;
    my @rules = map { ( '--rules', $_ ) } grep {-d} Poterne::SpamAssassin::RULES, 'rules/stock';
    my ( $status, $said ) =
        command_answer( "$build/poterne", 'masscheck', '--quiet', '--all', '--score-set', 0, @rules, @options, "$root/index" );
    $said =~ s/scantime=[\d.]+,//g;
    return split /^/, $said;
}

my @expected = lines_of();
is( scalar( grep {/^[Y.]/} @expected ), scalar @paths, 'all messages went through' );
my $limited = grep {/limited=/} @expected;
is( $limited, 0, 'no rule ran into a limit' );
for my $options ( ['--no-filters'], ['--no-jit'], $ENV{POTERNE_TEST_ALL} ? [ '--no-filters', '--no-jit' ] : () ) {
    my @lines = lines_of(@$options);
    is( scalar @lines, scalar @expected, "@$options: as many lines" );
    # the interpreter counts more steps than the JIT: it may give up, and says so
    my %gave_up = map { $_ => 1 } grep { $lines[$_] =~ /limited=/ } 0 .. $#lines;
    cmp_ok( scalar keys %gave_up, '<=', @paths / 1000, "@$options: next to no message has a rule that gives up" );
    my @odd = grep { !$gave_up{$_} && ( $lines[$_] // '' ) ne $expected[$_] } 0 .. $#expected;
    is( scalar @odd, 0, "@$options: the same hits and scores" )
        or diag( map { "with:    $expected[$_]without: " . ( $lines[$_] // "nothing\n" ) } splice @odd, 0, 3 );
}
done_testing();
