# What the tests know of mail: undoing the gateway's header edits, and messages to send.
package Poterne::Mail;

use strict;
use warnings;

use Exporter 'import';
use MIME::Base64 qw(encode_base64);

our @EXPORT_OK = qw(difference eicar letter header_of);

# Fields that only the gateway may write: what a sender wrote into them does not come out.
my $ours = qr/^(?:X-Spam-(?:Flag|Score|Level|Status|Checker-Version)|X-Poterne-[^:]*)\s*:/i;
# What the gateway and the server behind it put in front.
my $trace = qr/^(?:Return-Path|Delivered-To|Received|Authentication-Results):/i;

# (fields with their folds, body)
sub split_message {
    my ($text) = @_;
    my ( $header, $body ) = $text =~ /\A(.*?\n)\n(.*)\z/s ? ( $1, $2 ) : ( $text, undef );
    my @fields = $header =~ /^(\S.*\n(?:[ \t].*\n)*)/mg;
    return ( \@fields, $body );
}

# How a message that came out differs from what was sent (lines ending in LF), the edits undone;
# undef: not at all.
sub difference {
    my ( $sent, $came ) = @_;
    $came =~ s/\r\n/\n/g;
    my ( $sent_fields, $sent_body ) = split_message($sent);
    my ( $came_fields, $came_body ) = split_message($came);
    my @left = @$came_fields;
    shift @left while @left && $left[0] !~ /^X-Sequence:/ && ( $left[0] =~ $trace || $left[0] =~ $ours );
    return 'the first field is ' . ( $left[0] // 'missing' ) if !@left || $left[0] ne $sent_fields->[0];
    my @expected = grep { $_ !~ $ours } @$sent_fields;
    my $tag = grep { /^X-Spam-Flag: YES/ } @$came_fields;
    if ($tag) {
        # RFC 5322 allows one Subject: of tagged mail further ones are left out
        my $subjects = 0;
        @expected = grep { !/^Subject\s*:/i || !$subjects++ } @expected;
    }
    for my $at ( 0 .. ( $#left > $#expected ? $#left : $#expected ) ) {
        my ( $now, $then ) = ( $left[$at] // '', $expected[$at] // '' );
        next if $now eq $then;
        next if $tag && $then =~ /^Subject\s*:/i && is_tagged( $then, $now );
        next if $tag && $then eq '' && $at == $#left && $now =~ /^Subject: \[SPAM\]/;    # there was none
        return "field $at: [$then] came as [$now]";
    }
    return body_difference( $sent_body // '', $came_body // '' );
}

sub body_difference {
    my ( $sent, $came ) = @_;
    return if $sent eq $came;
    ( $sent ^ $came ) =~ /^(\0*)/;
    my ( $at, $from ) = ( length $1, length($1) > 20 ? length($1) - 20 : 0 );
    return sprintf 'the body differs at byte %d of %d: [%s] came as [%s]', $at, length $sent,
        substr( $sent, $from, 60 ), substr( $came, $from, 60 );
}

# The tag is put before the first word; how the field was folded before that word is not kept.
sub is_tagged {
    my ( $then, $now ) = @_;
    my ($text_then) = $then =~ /^Subject\s*:\s*(.*?)\s*\z/is;
    my ($text_now) = $now =~ /^Subject: \[SPAM\]\s*(.*?)\s*\z/s;
    return defined $text_now && $text_now eq $text_then;
}

# No clock in them: what was written within one second would have a word in common to be told by.
my $letters = 0;

sub letter {
    my ( $to, $subject, $body ) = @_;
    return "From: Claire <claire\@remote.example>\nTo: <$to>\nSubject: " . ( $subject // 'A letter' )
        . "\nDate: Fri, 20 Nov 2026 09:12:44 +0100\nMessage-ID: <"
        . join( '.', ++$letters, $$, int rand 1e9 )
        . "\@remote.example>\n\n"
        . ( $body // "Bonjour,\n\nthe room has changed, see you on Thursday.\n\nClaire\n" );
}

# A letter with the EICAR test file, which is put together only here.
sub eicar {
    my ($to) = @_;
    my $file = join '', 'X5O!P%@AP[4\PZX54(P^)7CC)7}$', 'EICAR', '-STANDARD-ANTIVIRUS', '-TEST-FILE!$H+H*';
    my $letter = letter( $to, 'An attachment' );
    my ( $header, $body ) = split /\n\n/, $letter, 2;
    return "$header\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b1\"\n\n"
        . "--b1\nContent-Type: text/plain\n\n$body\n"
        . "--b1\nContent-Type: application/octet-stream; name=\"eicar.com\"\n"
        . "Content-Transfer-Encoding: base64\n\n"
        . encode_base64($file)
        . "--b1--\n";
}

sub header_of {
    my ( $message, $name ) = @_;
    my ($fields) = split_message( $message =~ s/\r\n/\n/gr );
    my ($field) = grep { /^\Q$name\E:/i } @$fields;
    return defined $field ? $field =~ s/^[^:]*:\s*//r =~ s/\n\z//r : undef;
}

1;
