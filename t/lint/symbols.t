#!/usr/bin/perl
# No function of ours has the name of one of a library that is linked with it: the library would call ours.
use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Poterne::Tree qw(command_there);

my $build = $ENV{POTERNE_BUILD} // 'build';
plan skip_all => 'nm or ldd is not installed' if !command_there('nm') || !command_there('ldd');
my @programs = grep { -f && -x && !/\./ } glob "$build/poterne $build/gateway/poterne*";
plan skip_all => "nothing is built in $build/: run ./check" if !@programs;

# Names of functions that a program or library shows to others.
sub functions_of {
    my ($path) = @_;
    return map { /^[0-9a-f]+ [TWi] ([^@\s]+)/ ? $1 : () } `nm -D --defined-only $path`;
}

my %library;    # path => its functions
for my $program (@programs) {
    my %ours = map { $_ => 1 } functions_of($program);
    my @paths = map { m{=> (/\S+)} ? $1 : () } `ldd $program`;
    ok( @paths > 0, "$program: its libraries are known" );
    for my $path (@paths) {
        $library{$path} //= [ functions_of($path) ];
        my @both = grep { $ours{$_} } @{ $library{$path} };
        ok( !@both, "$program: $path" ) or diag("both have @both: rename ours");
    }
}
done_testing();
