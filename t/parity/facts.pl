#!/usr/bin/perl
# The texts of messages as the real SpamAssassin makes them, in the form of t/parity/facts_dump.c.
#
#     t/parity/facts.pl FOLDER FILE…
#
# FOLDER holds the site's settings (Poterne::SpamAssassin::write_site).
use strict;
use warnings;

use Mail::SpamAssassin;
use Mail::SpamAssassin::PerMsgStatus;
use lib 't/lib';
use Poterne::SpamAssassin;

my @numbers = qw(
    html image_area length min_size max_size closed_extra_ratio backhair_count bad_tag_ratio
    non_element_ratio obfuscation_ratio font_low_contrast font_invalid_color font_face_bad
    form_action_mailto embeds uri_truncated html_length non_space_len ratio
);

my $folder = shift // die "usage: t/parity/facts.pl FOLDER FILE...\n";
my $sa     = Mail::SpamAssassin->new(
    {
        local_tests_only     => 1,
        dont_copy_prefs      => 1,
        rules_filename       => Poterne::SpamAssassin::RULES,
        site_rules_filename  => $folder,
        userprefs_filename   => "$folder/none",
        userstate_dir        => "$folder/state",
        home_dir_for_helpers => "$folder/state",
    }
);
$sa->init(1);
dump_message($_) for @ARGV;

sub text {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^\x20-\x5b\x5d-\x7e])/sprintf '\\%02x', ord $1/ge;
    return $text;
}

sub dump_part {
    my ( $part, $depth ) = @_;
    my $decoded = $part->decode;
    printf "%d %s %s %d name=%s charset=%s len=%s\n", $depth, $part->{type}, $part->effective_type,
        $part->is_leaf ? 1 : 0, text( $part->{name} // '' ), text( $part->{charset} // '-' ),
        defined $decoded ? length $decoded : '-';
    return if $part->is_leaf;
    dump_part( $_, $depth + 1 ) for @{ $part->{body_parts} };
    return;
}

sub dump_links {
    my ($links) = @_;
    for my $raw ( sort keys %$links ) {
        my $link  = $links->{$raw};
        my @types = grep { !/^no/ } sort keys %{ $link->{types} };
        my @hosts = sort map { text("$_=$link->{hosts}{$_}") } keys %{ $link->{hosts} || {} };
        print join( "\t",
            text($raw), join( ',', @types ),
            join( ' ', sort map { text($_) } @{ $link->{cleaned} || [] } ),
            join( ' ', @hosts ),
            join( '|', map { text($_) } @{ $link->{anchor_text} || [] } ) ),
            "\n";
    }
    return;
}

sub dump_html {
    my ($html) = @_;
    print "doc\n";
    printf "%s=%.6g\n", $_, $html->{$_} for grep { defined $html->{$_} } @numbers;
    printf "in %s=%d\n", text($_), $html->{inside}{$_} for sort keys %{ $html->{inside} || {} };
    for my $kind (qw(comment script title anchor)) {
        print "$kind ", text($_), "\n" for @{ $html->{$kind} || [] };
    }
    return;
}

sub dump_message {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    my $raw = do { local $/ = undef; <$file> };
    close $file;
    my $message = $sa->parse( $raw, 1 );
    my $status  = Mail::SpamAssassin::PerMsgStatus->new( $sa, $message );
    print "= $path\n\@parts\n";
    dump_part( $message, 0 );
    print "\@body\n",      map { text($_) . "\n" } @{ $message->get_rendered_body_text_array };
    print "\@visible\n",   map { text($_) . "\n" } @{ $message->get_visible_rendered_body_text_array };
    print "\@invisible\n", map { text($_) . "\n" } @{ $message->get_invisible_rendered_body_text_array };
    print "\@raw\n",       map { text($_) . "\n" } @{ $message->get_decoded_body_text_array };
    print "\@full\n", length( $message->get_pristine ), "\n\@uri\n";
    $status->extract_message_metadata;    # plugins add links of theirs
    dump_links( $status->get_uri_detail_list || {} );
    print "\@html\n";
    dump_html($_) for grep { $_ && %$_ } @{ $message->{metadata}{html_all} || [] };
    $status->finish;
    $message->finish;
    return;
}
