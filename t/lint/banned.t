#!/usr/bin/perl
# Functions that nobody calls here: they do not know how much room there is, keep hidden state,
# take a bad number for 0, or start a shell.
use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Poterne::Tree qw(tree_files slurp code_of);

my %instead = (
    ( map { $_ => 'struct buf, str_copy() or snprintf()' } qw(strcpy strcat stpcpy strncat sprintf vsprintf) ),
    strncpy => 'str_copy()',
    gets    => 'fsio',
    ( map { $_ => 'str_next()' } qw(strtok strtok_r strsep) ),
    ( map { $_ => 'str_to_u64() or str_to_double()' } qw(atoi atol atoll atof) ),
    ( map { $_ => 'an argument vector; never a shell, never PATH' } qw(system popen execl execlp execle execvp) ),
    ( map { $_ => 'mkstemp() in a private folder' } qw(mktemp tmpnam tempnam) ),
    ( map { $_ => 'the _r form' } qw(gmtime localtime ctime asctime strerror_unlocked) ),
    ( map { $_ => 'getrandom()' } qw(rand srand random srandom drand48) ),
    alloca => 'struct pool',
    scanf  => 'str_to_u64()',
    sscanf => 'str_to_u64()',
    vfork  => 'posix_spawn() or fork()',
);

for my $path ( tree_files(qr/\.[ch]$/) ) {
    # tests may try what a sandbox forbids
    my $banned = join '|', grep { !( /^(?:exec|sscanf)/ && $path =~ m{^t/} ) } sort keys %instead;
    my @found;
    my $number = 0;
    for my $line ( split /\n/, code_of( slurp($path) ) ) {
        $number++;
        push @found, "$path:$number: $1(): use $instead{$1}" while $line =~ /(?<![\w.>])($banned)\s*\(/g;
    }
    ok( !@found, $path ) or diag( join "\n", @found );
}
done_testing();
