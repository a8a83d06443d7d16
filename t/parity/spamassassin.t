#!/usr/bin/perl
# The rules beside the real SpamAssassin: the same rule set, the same messages of both corpora, local
# tests only, no Bayes; compared hit by hit, "__" sub-rules included, and by score. Every eighth
# message; all of them with POTERNE_TEST_ALL=1. README.md here says why what differs does.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::SpamAssassin;

# What must agree, in percent.
use constant { HITS_AGREE => 99.9, SCORES_AGREE => 99.5 };

my $build = $ENV{POTERNE_BUILD} // 'build';
my $program = "$build/t/parity/rules_hits";
my @paths = Poterne::SpamAssassin::paths_or_skip( $program, 8 );

my $folder = tempdir( 'poterne-parity-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
Poterne::SpamAssassin::write_site($folder);

sub our_answers {
    my ($paths) = @_;
    open my $list, '>', "$folder/paths" or die "$folder/paths: $!\n";
    print {$list} map {"$_\n"} @$paths;
    close $list or die "$folder/paths: $!\n";
    my @rules = Poterne::SpamAssassin::rule_options($folder);
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
    $sum->{messages}, Poterne::SpamAssassin::version(), $hits, $sum->{both} + $sum->{theirs} + $sum->{ours}, $scores );
note($_) for Poterne::SpamAssassin::table( $sum, 100 );

cmp_ok( $hits,   '>=', HITS_AGREE,   'hits agree' );
cmp_ok( $scores, '>=', SCORES_AGREE, 'scores agree' );
done_testing();
