#!/usr/bin/perl
# Every C file is as clang-format writes it. To mend: clang-format -i FILE
use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Poterne::Tree qw(tree_files command_there);

plan skip_all => 'clang-format is not installed' if !command_there('clang-format');
for my $path ( tree_files(qr/\.[ch]$/) ) {
    my $said = `clang-format --dry-run -Werror '$path' 2>&1`;
    ok( $? == 0, $path ) or diag($said);
}
done_testing();
