#!/usr/bin/perl
# What the real SpamAssassin finds in messages' headers, in the form of t/parity/header_queries.c:
#
#     t/parity/header_queries.pl PART OF QUERY… < paths
#
# of the paths (one a line) those whose number modulo OF is PART (two processors: 0 2 and 1 2).
use strict;
use warnings;

use lib 't/lib';
use File::Temp qw(tempdir);
use Poterne::SpamAssassin;
use Mail::SpamAssassin;
use Mail::SpamAssassin::PerMsgStatus;

my ( $part, $of, @queries ) = @ARGV;
my $folder = tempdir( 'poterne-headers-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
my $sa     = Poterne::SpamAssassin::oracle($folder);

{
    # the body's text takes long, and no header query asks for it
    no warnings 'redefine';
    *Mail::SpamAssassin::PerMsgStatus::get_decoded_stripped_body_text_array = sub { return [] };
}

sub escaped {
    my ($text) = @_;
    $text =~ s/([\\\t\n\0])/sprintf '\\x%02x', ord $1/ge;
    return $text;
}

my $n = 0;
while ( my $path = <STDIN> ) {
    chomp $path;
    next if $n++ % $of != $part;
    my $message = $sa->parse( Poterne::SpamAssassin::slurp_raw($path), 0 );
    my $status  = Mail::SpamAssassin::PerMsgStatus->new( $sa, $message );
    $status->extract_message_metadata;
    for my $query (@queries) {
        my @values
            = $query eq '=counts' ? map { $status->{$_} }
            qw(num_relays_unparseable last_trusted_relay_index last_internal_relay_index)
            : $query eq '=from' ? sort( $status->all_from_addrs )
            : $query eq '=to'   ? sort( $status->all_to_addrs )
            :                     $status->get($query);
        print join( "\t", $path, $query, map { escaped($_) } @values ), "\n";
    }
    $status->finish;
    $message->finish;
}
