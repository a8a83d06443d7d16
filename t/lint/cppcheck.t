#!/usr/bin/perl
# cppcheck over every C file. A false alarm is silenced where it is: // cppcheck-suppress NAME
use strict;
use warnings;
use File::Path qw(make_path);
use Test::More;
use lib 't/lib';
use Poterne::Tree qw(tree_files command_there);

my $build = $ENV{POTERNE_BUILD} // 'build';
plan skip_all => 'cppcheck is not installed' if !command_there('cppcheck');
make_path("$build/lint/cppcheck");

my @paths = grep { !m{^t/} } tree_files(qr/\.c$/);
my $said = `cppcheck --quiet --std=c11 --platform=unix64 -j2 --enable=warning,performance,portability \\
    --inline-suppr --suppress=missingInclude --suppress=autoVariables --suppress=normalCheckLevelMaxBranches \\
    --cppcheck-build-dir=$build/lint/cppcheck --template='{file}:{line}: {id}: {message}' \\
    --library=t/lint/cppcheck.cfg \\
    -I. -I$build -D_GNU_SOURCE -DHAVE_CONFIG_H @paths 2>&1`;
my %found;
my @elsewhere;
for my $line ( split /\n/, $said ) {
    my ($path) = $line =~ /^([^:]+):\d+: /;
    if ( defined $path && $path =~ /\.[ch]$/ ) {
        push @{ $found{$path} }, $line;
    }
    elsif ( $line =~ /\S/ ) {
        push @elsewhere, $line;
    }
}
ok( !@elsewhere, 'cppcheck ran' ) or diag( join "\n", @elsewhere );
for my $path ( @paths, tree_files(qr/\.h$/) ) {
    ok( !$found{$path}, $path ) or diag( join "\n", @{ $found{$path} } );
}
done_testing();
