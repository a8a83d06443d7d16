# How prove reports: as ever, and before its summary what the tests that failed had to say, and what
# was skipped and why. The harness keeps each test's output below PERL_TEST_HARNESS_DUMP_TAP.
package Poterne::Formatter;

use strict;
use warnings;

use parent -t STDOUT ? 'TAP::Formatter::Console' : 'TAP::Formatter::File';

use constant { FAILED_LINES => 20, SAID_LINES => 60 };

sub summary {
    my ( $self, $aggregate, $interrupted ) = @_;
    for my $test ( $aggregate->descriptions ) {
        my ($parser) = $aggregate->parsers($test);
        $self->_output( "\n$test failed:\n" . join '', said_by($test) ) if $parser->has_problems;
    }
    my @skipped = map { skipped_of($_) } $aggregate->descriptions;
    $self->_output( "\nSkipped:\n" . join '', map { "  $_\n" } @skipped ) if @skipped;
    return $self->SUPER::summary( $aggregate, $interrupted );
}

sub lines_of {
    my ($name) = @_;
    open my $file, '<', "$ENV{PERL_TEST_HARNESS_DUMP_TAP}/$name" or return;
    my @lines = <$file>;
    close $file;
    return @lines;
}

sub first_of {
    my ( $n, @lines ) = @_;
    return @lines > $n ? ( @lines[ 0 .. $n - 1 ], "…\n" ) : @lines;
}

sub said_by {
    my ($test) = @_;
    my @failed = first_of( FAILED_LINES, grep { /^not ok|^#/ } lines_of($test) );
    my @said = first_of( SAID_LINES, lines_of("$test.err") );
    return map { "  $_" } @failed, @said, "all of it: build/tap/$test build/tap/$test.err\n";
}

sub skipped_of {
    my ($test) = @_;
    my @skipped;
    for ( lines_of($test) ) {
        push @skipped, "$test: $1" if /^1\.\.0 # skip\S*\s*(.*)/i;
        push @skipped, "$test: $1: $2" if /^(?:not )?ok\s+\d*\s*(?:- )?(.*?)\s*# skip\S*\s*(.*)/i;
        push @skipped, "$test: $1" if /^# skipped (.*)/;
    }
    return @skipped;
}

1;
