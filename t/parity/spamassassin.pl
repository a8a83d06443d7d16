#!/usr/bin/perl
# What the real SpamAssassin says of messages: a line "PATH TAB SCORE TAB RULE,RULE,…" for each.
#
#     t/parity/spamassassin.pl [--every K] [--processes N] [--cache FILE] INDEX…  > oracle.tsv
#     t/parity/spamassassin.pl --messages FILE…
#     t/parity/spamassassin.pl --site FOLDER      only writes the settings that both sides read
#
# One Perl process a processor, local tests only, no Bayes, no user's settings; the settings are
# those of t/lib/Poterne/SpamAssassin.pm. Rules are those that hit, "__" sub-rules included, each
# once. The clock stands still at Poterne::SpamAssassin::NOW.
use strict;
use warnings;

use lib 't/lib';
use Poterne::SpamAssassin;

sub usage {
    die "usage: t/parity/spamassassin.pl [--every K] [--processes N] [--cache FILE] INDEX…\n"
        . "       t/parity/spamassassin.pl --messages FILE…\n"
        . "       t/parity/spamassassin.pl --site FOLDER\n";
}

my %option = ( every => 1, processes => 2 );
while ( @ARGV && $ARGV[0] =~ /^--(every|processes|cache|site)$/ ) {
    shift @ARGV;
    $option{$1} = shift(@ARGV) // usage();
}
if ( $option{site} ) {
    Poterne::SpamAssassin::write_site( $option{site} );
    exit 0;
}
my $listed = @ARGV && $ARGV[0] eq '--messages';
shift @ARGV if $listed;
usage() if !@ARGV || $ARGV[0] =~ /^--/;

my @paths = $listed ? @ARGV : map { Poterne::SpamAssassin::paths_of( $_, $option{every} ) } @ARGV;
my $answers = Poterne::SpamAssassin::answers( \@paths, $option{processes}, $option{cache} );
print map {"$_\t$answers->{$_}\n"} @paths;
