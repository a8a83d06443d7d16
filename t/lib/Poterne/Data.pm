# Third parties' mail to test with: ../shared/data, or $POTERNE_DATA. Unpacked once below build/data/.
package Poterne::Data;

use strict;
use warnings;

use Exporter 'import';
use File::Path qw(make_path);

our @EXPORT_OK = qw(corpus corpus_messages as_client_sends unpacked);

sub folder {
    return $ENV{POTERNE_DATA} // '../shared/data';
}

# The folder of an unpacked archive ("suites/suites", "signatures"), or undef where it is absent.
sub unpacked {
    my ($name) = @_;
    my $archive = folder() . "/$name.tar.xz";
    my ($last) = $name =~ m{([^/]+)\z};
    my $here = "build/data/$last";
    return $here if -e "$here/.unpacked";
    return if !-e $archive;
    make_path($here);
    system( 'tar', '-xJf', $archive, '-C', $here ) == 0 or die "can't unpack $archive\n";
    open my $mark, '>', "$here/.unpacked" or die "$here: $!\n";
    close $mark;
    return $here;
}

# The folder of an unpacked corpus ("sa", "modern"), or undef where its archive is absent.
sub corpus {
    my ($name) = @_;
    my $archive = folder() . "/corpora/$name.tar.xz";
    my $here = "build/data/$name";
    return $here if -e "$here/index";
    return if !-e $archive;
    make_path('build/data');
    system( 'tar', '-xJf', $archive, '-C', 'build/data' ) == 0 or die "can't unpack $archive\n";
    return -e "$here/index" ? $here : undef;
}

# A folder of the test suites ("smuggling"), or undef.
sub suite {
    my ($name) = @_;
    my $archive = folder() . '/suites/suites.tar.xz';
    my $here = 'build/data/suites';
    if ( !-d "$here/$name" ) {
        return if !-e $archive;
        make_path($here);
        system( 'tar', '-xJf', $archive, '-C', $here ) == 0 or die "can't unpack $archive\n";
    }
    return -d "$here/$name" ? "$here/$name" : undef;
}

# Up to n messages, [label, path] each, taken evenly from all corpora; empty where there are none.
sub corpus_messages {
    my ($n) = @_;
    my @all;
    for my $name (qw(sa modern)) {
        my $folder = corpus($name) or next;
        open my $index, '<', "$folder/index" or die "$folder/index: $!\n";
        while (<$index>) {
            my ( $label, $path ) = split;
            push @all, [ $label, "$folder/$path" ];
        }
        close $index;
    }
    my $step = @all > $n ? @all / $n : 1;
    my $last = ( @all > $n ? $n : @all ) - 1;
    return map { $all[ int $_ * $step ] } 0 .. $last;
}

# A message as lines that any client can send and any server store as they are: LF at the end of
# each, no bare CR, no NUL, no mailbox line in front.
sub as_client_sends {
    my ($raw) = @_;
    ( my $text = $raw ) =~ s/\AFrom [^\n]*\n//;
    $text =~ tr/\r\0//d;
    $text .= "\n" if $text !~ /\n\z/;
    return $text;
}

1;
