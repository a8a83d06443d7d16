#!/usr/bin/perl
# A folder includes itself and the floors below it, never a floor above: reads every #include "…".
use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Poterne::Tree qw(tree_files slurp);

my @floors = (
    [qw(base)],
    [qw(mail sender antivirus directory)],
    [qw(rules bayes spool)],
    [qw(journal)],
    [qw(quarantine bounce tally audit)],
    [qw(reports backup)],
    [qw(gateway console)],
    [qw(tools)],
);
my %sideways = ( 'sender mail' => 1 );    # a sender is judged by its mail

my %floor_of;
for my $floor ( 0 .. $#floors ) {
    $floor_of{$_} = $floor for @{ $floors[$floor] };
}

sub mistakes_in {
    my ($path) = @_;
    my ($room) = split m{/}, $path;
    return "$path: folder $room has no floor: name it in t/lint/floors.t" if !defined $floor_of{$room};
    my ( @mistakes, $number );
    for my $line ( split /\n/, slurp($path) ) {
        $number++;
        next if $line !~ m{^\s*\#\s*include\s+"([^"]+)"} || $1 eq 'config.h';
        my ($other) = $1 =~ m{^(\w+)/};
        if ( !defined $other || !defined $floor_of{$other} ) {
            push @mistakes, "$path:$number: \"$1\" is not named from the top of the tree";
        }
        elsif ( $other ne $room && $floor_of{$other} >= $floor_of{$room} && !$sideways{"$room $other"} ) {
            push @mistakes, "$path:$number: $room/ stands below or beside $other/ and can't include it";
        }
    }
    return @mistakes;
}

for my $path ( grep { !m{^t/} } tree_files(qr/\.[ch]$/) ) {
    my @mistakes = mistakes_in($path);
    ok( !@mistakes, $path ) or diag( join "\n", @mistakes );
}
done_testing();
