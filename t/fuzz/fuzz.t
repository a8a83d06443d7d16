#!/usr/bin/perl
# Every libFuzzer target for POTERNE_FUZZ_SECONDS (5), from its seeds and from what earlier runs
# found interesting (build/fuzz/corpus/). A finding is kept in build/fuzz/found/ to try again.
use strict;
use warnings;
use File::Path qw(make_path);
use Test::More;

my $build = 'build/fuzz';
my $seconds = $ENV{POTERNE_FUZZ_SECONDS} // 5;
plan skip_all => "$build/ is not built: it takes clang and ./check" if !-e "$build/Makefile";

my @targets = split ' ', `make -s -C $build list-fuzz`;
plan skip_all => 'there are no fuzz targets' if !@targets;

sub start {
    my ($target) = @_;
    my ($name) = $target =~ m{([^/]+)$};
    my @folders = ( "$build/corpus/$name", "t/fuzz/seeds/$name" );
    make_path( $folders[0], "$build/found" );
    my @options = (
        "-max_total_time=$seconds", "-artifact_prefix=$build/found/$name-",
        qw(-timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 -max_len=65536)
    );
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    open STDOUT, '>', "$build/$name.log" or die "$build/$name.log: $!\n";
    open STDERR, '>&', \*STDOUT or die "$!\n";
    exec "$build/$target", @options, grep { -d } @folders or exit 127;
}

sub finish {
    my ( $target, $pid ) = @_;
    my ($name) = $target =~ m{([^/]+)$};
    waitpid $pid, 0;
    my $status = $?;
    open my $log, '<', "$build/$name.log" or die "$build/$name.log: $!\n";
    my @lines = <$log>;
    close $log;
    my ($runs) = map { /number_of_executed_units:\s*(\d+)/ } @lines;
    ok( $status == 0 && $runs, "$name: " . ( $runs // 0 ) . ' runs' )
        or diag( "$build/$name.log: ended with $status\n", @lines > 40 ? @lines[ -40 .. -1 ] : @lines );
    return;
}

while ( my @pair = splice @targets, 0, 2 ) {
    my %pid_of = map { $_ => start($_) } @pair;
    finish( $_, $pid_of{$_} ) for @pair;
}
done_testing();
