# How prove reports: as ever, and before its summary what was skipped and why.
package Poterne::Formatter;

use strict;
use warnings;

use parent -t STDOUT ? 'TAP::Formatter::Console' : 'TAP::Formatter::File';

sub summary {
    my ( $self, $aggregate, $interrupted ) = @_;
    my @skipped = map { skipped_of($_) } $aggregate->descriptions;
    $self->_output( "\nSkipped:\n" . join '', map { "  $_\n" } @skipped ) if @skipped;
    return $self->SUPER::summary( $aggregate, $interrupted );
}

# The harness keeps each test's output below PERL_TEST_HARNESS_DUMP_TAP.
sub skipped_of {
    my ($test) = @_;
    open my $tap, '<', "$ENV{PERL_TEST_HARNESS_DUMP_TAP}/$test" or return;
    my @skipped;
    while (<$tap>) {
        push @skipped, "$test: $1" if /^1\.\.0 # skip\S*\s*(.*)/i;
        push @skipped, "$test: $1: $2" if /^(?:not )?ok\s+\d*\s*(?:- )?(.*?)\s*# skip\S*\s*(.*)/i;
        push @skipped, "$test: $1" if /^# skipped (.*)/;
    }
    close $tap;
    return @skipped;
}

1;
