#!/usr/bin/perl
# The texts that rules look at beside those of the real SpamAssassin: MIME tree, body, visible and
# hidden text, raw chunks, links, what it notes of HTML. Every 25th message of both corpora; all of
# them with POTERNE_TEST_ALL=1.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::SpamAssassin;

use constant AGREE => 99.9;    # per cent of the messages, of each text
use constant BATCH => 200;     # messages on one command line

my $build   = $ENV{POTERNE_BUILD} // 'build';
my $program = "$build/t/parity/facts_dump";
my @paths = Poterne::SpamAssassin::paths_or_skip( $program, 25 );

my $folder = tempdir( 'poterne-facts-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
Poterne::SpamAssassin::write_site($folder);

# {path}{section}: its text
sub sections {
    my @command = @_;
    open my $from, '-|', @command or die "$command[0]: $!\n";
    my ( %found, $path, $section );
    while ( my $line = <$from> ) {
        if    ( $line =~ /^= (.*)/ )                   { $path = $1 }
        elsif ( $line =~ /^\@([a-z]+)$/ )              { $found{$path}{ $section = $1 } = '' }
        elsif ( $section eq 'html' && $line =~ /^backhair_count=/ ) { next }
        else                                           { $found{$path}{$section} .= $line }
    }
    close $from;
    return \%found;
}

my @rules = Poterne::SpamAssassin::rule_options($folder);
my @kinds = qw(parts body visible invisible raw full uri html);
my ( %differ, $total );
while ( my @some = splice @paths, 0, BATCH ) {
    my $theirs = sections( $^X, 't/parity/facts.pl', $folder, @some );
    my $ours   = sections( $program, @rules, @some );
    for my $path ( sort keys %$theirs ) {
        $total++;
        for my $kind (@kinds) {
            push @{ $differ{$kind} }, $path if $theirs->{$path}{$kind} ne ( $ours->{$path}{$kind} // 'none' );
        }
    }
}
for my $kind (@kinds) {
    my @paths_that_differ = @{ $differ{$kind} || [] };
    my $alike             = 100 - 100 * @paths_that_differ / $total;
    cmp_ok( $alike, '>=', AGREE, sprintf '%s: %.2f %% of %d messages alike', $kind, $alike, $total )
        or diag( join "\n", splice @paths_that_differ, 0, 10 );
}
done_testing();
