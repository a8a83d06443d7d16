#!/usr/bin/perl
# What the real SpamAssassin says of messages with the rules of one folder alone: a line
# "PATH TAB VALUE TAB … RULES" for each path read, with the value of each header query, then the rules
# that hit.
#
#     t/parity/folder_answers.pl FOLDER PART OF QUERY… < paths
#
# of the paths (one a line) those whose number modulo OF is PART (two processors: 0 2 and 1 2).
use strict;
use warnings;

use lib 't/lib';
use File::Temp qw(tempdir);
use Mail::SpamAssassin;
use Poterne::SpamAssassin;

my ( $rules, $part, $of, @queries ) = @ARGV;
my $folder = tempdir( 'poterne-answers-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
Poterne::SpamAssassin::put( "$folder/user_prefs", '' );
my $sa = Mail::SpamAssassin->new(
    {
        rules_filename       => $rules,
        site_rules_filename  => $rules,
        userprefs_filename   => "$folder/user_prefs",
        userstate_dir        => $folder,
        home_dir_for_helpers => $folder,
        local_tests_only     => 1,
        dont_copy_prefs      => 1,
    }
);

my $n = 0;
while ( my $path = <STDIN> ) {
    chomp $path;
    next if $n++ % $of != $part;
    my $message = $sa->parse( Poterne::SpamAssassin::slurp_raw($path), 0 );
    my $status  = $sa->check($message);
    my $hits    = join ',', sort map { split /,/ } $status->get_names_of_tests_hit;
    my @found   = map { $status->get($_) // '' } @queries;
    print join( "\t", $path, @found, $hits ), "\n";
    $status->finish;
    $message->finish;
}
