#!/usr/bin/perl
# Nothing is longer than a reader can hold: a function at most 100 lines, a file at most 800.
use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Poterne::Tree qw(tree_files slurp);

use constant { FUNCTION_LINES => 100, FILE_LINES => 800 };

# clang-format keeps the braces of a function, and only those, at the beginning of a line.
sub long_functions {
    my ( $path, @lines ) = @_;
    my ( @long, $from );
    for my $at ( 0 .. $#lines ) {
        $from = $at if $lines[$at] =~ /^\{/;
        next if !defined $from || $lines[$at] !~ /^\}/;
        my $length = $at - $from - 1;
        push @long, sprintf '%s:%d: a function of %d lines', $path, $from, $length if $length > FUNCTION_LINES;
        undef $from;
    }
    return @long;
}

for my $path ( tree_files(qr/\.[ch]$/) ) {
    my @lines = split /\n/, slurp($path);
    my @long = long_functions( $path, @lines );
    push @long, sprintf '%s: %d lines', $path, scalar @lines if @lines > FILE_LINES;
    ok( !@long, $path ) or diag( join "\n", @long );
}
done_testing();
