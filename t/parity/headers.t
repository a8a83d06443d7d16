#!/usr/bin/perl
# Header queries and relays beside the real SpamAssassin, value by value, of every tenth message of
# both corpora (all of them with POTERNE_TEST_ALL=1).
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::SpamAssassin;

use constant AGREE => 99.95;    # percent of the values of each query

my @queries = (
    ( map {"X-Spam-Relays-$_"} qw(Trusted Untrusted Internal External) ),
    qw(=counts =from =to Subject Subject:raw From:addr From:name To:addr ToCc Reply-To:addr ALL
        ALL-TRUSTED EnvelopeFrom MESSAGEID Received From:addr:domain Received:ip X-SenderDomain),
);

my $program = ( $ENV{POTERNE_BUILD} // 'build' ) . '/t/parity/header_queries';
my @paths = Poterne::SpamAssassin::paths_or_skip( $program, 10 );

my $folder = tempdir( 'poterne-headers-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
Poterne::SpamAssassin::write_site($folder);
Poterne::SpamAssassin::put( "$folder/paths", map {"$_\n"} @paths );

# { QUERY => { PATH => VALUES } }
sub answers {
    my ($command) = @_;
    my %answer;
    open my $from, '-|', "$command <$folder/paths 2>>$folder/errors" or die "$command: $!\n";
    while (<$from>) {
        chomp;
        my ( $path, $query, $values ) = split /\t/, $_, 3;
        $answer{$query}{$path} = $values // '';
    }
    close $from;
    return \%answer;
}

my $asked  = join ' ', @queries;
my $rules  = join ' ', Poterne::SpamAssassin::rule_options($folder);
my $ours   = answers("$program $rules $asked");
my $theirs = answers("$^X t/parity/header_queries.pl 0 1 $asked");
for my $query (@queries) {
    my @differ = grep { ( $ours->{$query}{$_} // '(none)' ) ne ( $theirs->{$query}{$_} // '(nothing)' ) } @paths;
    my $agree = 100 * ( 1 - @differ / @paths );
    cmp_ok( $agree, '>=', AGREE, "$query: the same of @{[ scalar @paths ]} messages" )
        or diag("first differs: $differ[0]");
}
done_testing;
