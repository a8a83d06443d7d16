#!/usr/bin/perl
# Real mail is tagged, signed, changed as servers and mail programs behind us do it, reported, and restored: each message
# has the fingerprint and the digest that it had when it was scanned. All of it with --all, else 1500 messages.
use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Poterne::Data qw(corpus_messages);

my $program = ( $ENV{POTERNE_BUILD} // 'build' ) . '/t/parity/restored';
plan skip_all => "$program is not built" if !-x $program;
my @paths = map { $_->[1] } corpus_messages( $ENV{POTERNE_TEST_ALL} ? 1_000_000 : 1500 );
plan skip_all => Poterne::Data::folder() . '/corpora is not there' if !@paths;

my @lost;
while ( my @some = splice @paths, 0, 500 ) {
    my $number = @some;
    open my $run, '-|', $program, @some or die "$program: $!\n";
    chomp( my @lines = <$run> );
    close $run;
    is( pop @lines // '', "$number messages, 0 not restored", "$number messages come back as they were scanned" )
        or push @lost, @lines;
}
diag( join "\n", @lost > 20 ? @lost[ 0 .. 19 ] : @lost ) if @lost;
done_testing();
