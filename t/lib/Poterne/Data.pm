# Third parties' mail to test with: ../shared/data, or $POTERNE_DATA. Unpacked once below build/data/.
package Poterne::Data;

use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(:flock);
use File::Path qw(make_path);

our @EXPORT_OK = qw(corpus corpus_messages as_client_sends unpacked);

sub folder {
    return $ENV{POTERNE_DATA} // '../shared/data';
}

# Unpacks an archive into a folder unless that was done; tests that run side by side wait for who does
# it. False where there is no archive.
sub unpack_once {
    my ( $archive, $into ) = @_;
    my ($name) = $archive =~ m{([^/]+)\.tar\.xz\z};
    my $done = "build/data/.$name.unpacked";
    return 1 if -e $done;
    return 0 if !-e $archive;
    make_path($into);
    open my $lock, '>', "build/data/.$name.lock" or die "build/data: $!\n";
    flock $lock, LOCK_EX or die "build/data: $!\n";
    return 1 if -e $done;
    system( 'tar', '-xJf', $archive, '-C', $into ) == 0 or die "can't unpack $archive\n";
    open my $mark, '>', $done or die "$done: $!\n";
    close $mark or die "$done: $!\n";
    return 1;
}

# The folder of an unpacked archive ("suites/suites", "signatures"), or undef where it is absent.
sub unpacked {
    my ($name) = @_;
    my ($last) = $name =~ m{([^/]+)\z};
    return unpack_once( folder() . "/$name.tar.xz", "build/data/$last" ) ? "build/data/$last" : undef;
}

# The folder of an unpacked corpus ("sa", "modern"), or undef where its archive is absent.
sub corpus {
    my ($name) = @_;
    unpack_once( folder() . "/corpora/$name.tar.xz", 'build/data' ) or return;
    return -e "build/data/$name/index" ? "build/data/$name" : undef;
}

# A folder of the test suites ("smuggling"), or undef.
sub suite {
    my ($name) = @_;
    my $suites = unpacked('suites/suites') // return;
    return -d "$suites/$name" ? "$suites/$name" : undef;
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
