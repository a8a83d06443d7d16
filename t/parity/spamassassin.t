#!/usr/bin/perl
# The rules beside the real SpamAssassin: the same rule set, the same messages of both corpora, local
# tests only, no Bayes; compared hit by hit, "__" sub-rules included, and by score. Every eighth
# message; all of them with POTERNE_TEST_ALL=1. README.md here says why what differs does.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Data qw(corpus);
use Poterne::SpamAssassin;

# What must agree, in percent.
use constant { HITS_AGREE => 99.9, SCORES_AGREE => 99.5 };

my $build = $ENV{POTERNE_BUILD} // 'build';
my $program = "$build/t/parity/rules_hits";
plan skip_all => "$program is not built" if !-x $program;
my $version = Poterne::SpamAssassin::version();
plan skip_all => 'SpamAssassin and its rules are not installed (package spamassassin)' if !defined $version;
plan skip_all => "SpamAssassin is $version, the rules are compared with 4.0.1" if $version ne '4.0.1';

my $every = $ENV{POTERNE_TEST_ALL} ? 1 : 8;
my @paths = map { Poterne::SpamAssassin::paths_of( "$_/index", $every ) } grep {defined} map { corpus($_) } qw(sa modern);
plan skip_all => 'the corpora are not there (' . Poterne::Data::folder() . ')' if !@paths;

my $folder = tempdir( 'poterne-parity-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
Poterne::SpamAssassin::write_site($folder);

sub our_answers {
    my ($paths) = @_;
    open my $list, '>', "$folder/paths" or die "$folder/paths: $!\n";
    print {$list} map {"$_\n"} @$paths;
    close $list or die "$folder/paths: $!\n";
    my @rules = map { ( '-r', $_ ) } "$folder/site.pre", Poterne::SpamAssassin::RULES, "$folder/site.cf";
    my $command = join ' ', $program, @rules, "--messages - <$folder/paths 2>$folder/errors";
    open my $from, '-|', $command or die "$program: $!\n";
    my %answer = map { chomp; split /\t/, $_, 2 } <$from>;
    close $from;
    return \%answer;
}

sub errors {
    open my $file, '<', "$folder/errors" or die "$folder/errors: $!\n";
    return <$file>;
}

my $ours = our_answers( \@paths );
is( keys %$ours, @paths, 'every message is through' ) or diag( ( errors() )[-1] // '' );
my @rule_mistakes = grep {/^[^\t]*\.(?:cf|pre):\d+: /} errors();
is( scalar @rule_mistakes, 0, 'every line of the rule set is understood' )
    or diag( join '', splice @rule_mistakes, 0, 20 );
my @limited = grep {/ran into a limit/} errors();
is( scalar @limited, 0, 'no rule runs into a limit' ) or diag( join '', splice @limited, 0, 20 );

my @through = grep { defined $ours->{$_} } @paths;
my $theirs = Poterne::SpamAssassin::answers( \@through, 2, 'build/data/spamassassin.answers' );
my $sum = Poterne::SpamAssassin::compare( $theirs, $ours );
my $hits = Poterne::SpamAssassin::agreement($sum);
my $scores = 100 * $sum->{scores} / ( $sum->{messages} || 1 );
diag( sprintf '%d messages, SpamAssassin %s: %.3f %% of %d hits agree, %.2f %% of scores',
    $sum->{messages}, $version, $hits, $sum->{both} + $sum->{theirs} + $sum->{ours}, $scores );
note($_) for Poterne::SpamAssassin::table( $sum, 100 );

cmp_ok( $hits,   '>=', HITS_AGREE,   'hits agree' );
cmp_ok( $scores, '>=', SCORES_AGREE, 'scores agree' );
done_testing();
