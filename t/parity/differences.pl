#!/usr/bin/perl
# Where two files of hits differ (t/parity/spamassassin.pl and t/parity/rules_hits write them), for
# the messages that both have: the shares that agree, and the rules that differ, most first.
#
#     t/parity/differences.pl [-n LINES] [-m] THEIRS OURS [PATTERN]
#
# Only rules whose name fits the pattern are shown. With -m a line for each difference: the message,
# "-RULE" for a hit that only they have, "+RULE" for one that only we have.
use strict;
use warnings;

use lib 't/lib';
use Poterne::SpamAssassin;

my ( $most, $each ) = ( 40, 0 );
while ( @ARGV && $ARGV[0] =~ /^-/ ) {
    my $option = shift @ARGV;
    if    ( $option eq '-n' && @ARGV ) { $most = shift @ARGV }
    elsif ( $option eq '-m' )          { $each = 1 }
    else                               { @ARGV = () }
}
@ARGV == 2 || @ARGV == 3 or die "usage: t/parity/differences.pl [-n LINES] [-m] THEIRS OURS [PATTERN]\n";

sub read_hits {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    return { map { chomp; split /\t/, $_, 2 } <$file> };
}

my ( $theirs, $ours ) = map { read_hits($_) } @ARGV[ 0, 1 ];
my $pattern = $ARGV[2] // '';
delete $theirs->{$_} for grep { !exists $ours->{$_} } keys %$theirs;
die "the two files have no message in common\n" if !keys %$theirs;

if ($each) {
    for my $path ( sort keys %$theirs ) {
        my ( $t, $o ) = map {
            +{ map { $_ => 1 } split /,/, ( split /\t/ )[1] // '' }
        } $theirs->{$path}, $ours->{$path};
        print map {"$path\t$_\n"} ( map {"-$_"} grep { !$o->{$_} && /$pattern/ } sort keys %$t ),
            ( map {"+$_"} grep { !$t->{$_} && /$pattern/ } sort keys %$o );
    }
    exit 0;
}
my $sum = Poterne::SpamAssassin::compare( $theirs, $ours );
print "$_\n" for Poterne::SpamAssassin::table( $sum, $most, $pattern );
printf "%d messages: %.3f %% of hits agree, %.2f %% of scores\n", $sum->{messages},
    Poterne::SpamAssassin::agreement($sum), 100 * $sum->{scores} / $sum->{messages};
