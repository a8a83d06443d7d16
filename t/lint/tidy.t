#!/usr/bin/perl
# clang-tidy (.clang-tidy) over every C file but the tests', with the flags of the build. What passed once is not
# looked at again until it, a header of it or the checks change. The static analyzer takes nine tenths of the time
# (two seconds a file): it is part of ./check --all.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use Test::More;
use lib 't/lib';
use Poterne::Tree qw(tree_files slurp command_there);

my $build = $ENV{POTERNE_BUILD} // 'build';
plan skip_all => 'clang-tidy is not installed' if !command_there('clang-tidy');
plan skip_all => "$build/ is not configured: run ./check" if !-e "$build/Makefile";

chomp( my $flags = `make -s --no-print-directory -C $build list-flags` );
die "make list-flags failed in $build\n" if $? || $flags !~ /-std=/;
my $checks = $ENV{POTERNE_TEST_ALL} ? '--checks=' : '--checks=-clang-analyzer-*';
my $passed = "$build/lint/tidy";
make_path($passed);

# Everything that clang sees of the file, and how it looks at it.
sub key_of {
    my ($path) = @_;
    my $seen = `cd $build && clang $flags -E ../$path 2>/dev/null`;
    return sha256_hex( $path, slurp('.clang-tidy'), $checks, $flags, $seen, slurp($path) );
}

sub findings_of {
    my ($said) = @_;
    my @findings = $said =~ m{([\w./-]+:\d+:\d+: (?:error|warning): .*)}g;
    s{^\S*/\.\./}{} for @findings;
    return @findings ? join( "\n", @findings ) : $said;
}

sub examine {
    my ($path) = @_;
    my $stamp = "$passed/" . key_of($path);
    return '' if -e $stamp;
    my $said = `cd $build && clang-tidy --quiet '$checks' ../$path -- $flags 2>&1`;
    return findings_of($said) if $?;
    open my $file, '>', $stamp or die "$stamp: $!\n";
    close $file;
    return '';
}

# Two halves side by side, each telling its findings through a pipe.
my @paths = grep { !m{^t/} } tree_files(qr{\.c$});
my @half = map { my $odd = $_; [ grep { $_ % 2 == $odd } 0 .. $#paths ] } 0, 1;
my %said;
my @pipes = map {
    my $half = $_;
    my $pid = open( my $pipe, '-|' ) // die "fork: $!\n";
    if ( !$pid ) {
        printf "%d %s\0", $_, examine( $paths[$_] ) for @$half;
        exit 0;
    }
    $pipe
} @half;
for my $pipe (@pipes) {
    local $/ = "\0";
    while ( my $record = <$pipe> ) {
        chomp $record;
        my ( $index, $text ) = split / /, $record, 2;
        $said{$index} = $text;
    }
    close $pipe;
}
for my $index ( 0 .. $#paths ) {
    my $text = $said{$index} // "no answer\n";
    ok( $text eq '', $paths[$index] ) or diag($text);
}
done_testing();
