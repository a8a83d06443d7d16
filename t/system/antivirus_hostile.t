#!/usr/bin/perl
# A pile of hostile files, made here, through a running gateway: each is answered soon, in bounded memory, and never
# taken for clean; other mail hardly waits, and nothing is written where it should not be.
use strict;
use warnings;

use Compress::Raw::Zlib qw(crc32);
use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);

use constant {
    SECONDS     => 10,                                               # for one message
    WAIT        => 1,                                                # seconds that other mail may wait
    MEGABYTES   => 1500,                                             # of a worker
    ZEROS       => $ENV{POTERNE_TEST_ALL} ? 1_000_000_000 : 200_000_000,
    PARTS       => 10_000,
    DEPTH       => 1000,
    HEADER      => 100_000,
    CUT_AT      => $ENV{POTERNE_TEST_ALL} ? 40 : 5,                  # places where a file is cut
    TEST_FILES  => '/usr/share/clamav-testfiles',
};

my ( $to, $other ) = ( 'jean@pile.example', 'claire@pile.example' );
my $root = tempdir( 'poterne-pile-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => { antivirus => { timeout => '6s', unscannable => 'quarantine' } },
    domains  => {
        'pile.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [ $to, $other ] }
    }
)->start;

my $eicar = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD' . '-ANTIVIRUS-TEST-FILE!$H+H*';

# --- what is in the pile ---

# Packed zeros and their checksum.
sub zeros {
    my ($size) = @_;
    my $deflate = Compress::Raw::Zlib::Deflate->new( -WindowBits => -15, -AppendOutput => 1, -Level => 9 );
    my ( $out, $sum, $block ) = ( q(), 0, "\0" x 1_000_000 );
    for ( 1 .. $size / length $block ) {
        $deflate->deflate( $block, $out );
        $sum = crc32( $block, $sum );
    }
    $deflate->flush($out);
    return { bytes => $out, sum => $sum, size => $size, method => 8 };
}

sub stored {
    my ($bytes) = @_;
    return { bytes => $bytes, sum => crc32($bytes), size => length $bytes, method => 0 };
}

sub entry_head {
    my ( $name, $file ) = @_;
    return pack 'vvvvvVVVvv', 20, 0, $file->{method}, 0, 33, $file->{sum}, length $file->{bytes}, $file->{size}, length $name, 0;
}

# [ name, file ] …
sub zip_of {
    my ($files) = @_;
    my ( $body, $directory ) = ( q(), q() );
    for my $entry ( @{$files} ) {
        my ( $name, $file ) = @{$entry};
        my $at = length $body;
        $body .= "PK\3\4" . entry_head( $name, $file ) . $name . $file->{bytes};
        $directory .= "PK\1\2" . pack( 'v', 20 ) . entry_head( $name, $file ) . pack( 'vvvVV', 0, 0, 0, 0, $at ) . $name;
    }
    my $n = @{$files};
    return $body . $directory . "PK\5\6" . pack 'vvvvVVv', 0, 0, $n, $n, length $directory, length $body, 0;
}

# Each file's data begin with the head of the next one, quoted in a block of its own, and go on with its data (David
# Fifield, "A better zip bomb", 2019): all share the packed zeros at the end.
sub overlapping {
    my ( $n, $size ) = @_;
    my $kernel = zeros($size);
    my ( $packed, $plain, $body, @heads ) = ( $kernel->{bytes}, "\0" x $size );
    for my $i ( reverse 1 .. $n ) {
        my $file = { bytes => $packed, sum => crc32($plain), size => length $plain, method => 8 };
        my $head = "PK\3\4" . entry_head( "file$i", $file ) . "file$i";
        unshift @heads, [ "file$i", entry_head( "file$i", $file ), length $head ];
        $body = $head . $packed;
        $packed = "\0" . pack( 'vv', length $head, 0xffff ^ length $head ) . $head . $packed;
        $plain = $head . $plain;
    }
    my ( $directory, $at ) = ( q(), 0 );
    for my $entry (@heads) {
        my ( $name, $head, $length ) = @{$entry};
        $directory .= "PK\1\2" . pack( 'v', 20 ) . $head . pack( 'vvvVV', 0, 0, 0, 0, $at ) . $name;
        $at += $length + 5;
    }
    return $body . $directory . "PK\5\6" . pack 'vvvvVVv', 0, 0, $n, $n, length $directory, length $body, 0;
}

sub nested {
    my ($depth) = @_;
    my $inner = zip_of( [ [ 'zeros', zeros(20_000_000) ] ] );
    for ( 1 .. $depth ) {
        my $file = stored($inner);
        $inner = zip_of( [ map { [ "inner$_.zip", $file ] } 1 .. 8 ] ) if $_ < 3;
        $inner = zip_of( [ [ 'inner.zip', $file ] ] ) if $_ >= 3;
    }
    return $inner;
}

sub tar_of {
    my ( $type, $link, @names ) = @_;
    my $out = q();
    for my $name (@names) {
        my $bytes = $type eq '0' ? $eicar : q();
        my $head = pack 'a100a8a8a8a12a12a8a1a100a6a2x247', $name, '0000644', '0000000', '0000000',
            sprintf( '%011o', length $bytes ), '00000000000', q( ) x 8, $type, $link, 'ustar', '00';
        my $sum = 0;
        $sum += $_ for unpack 'C*', $head;
        substr $head, 148, 8, sprintf "%06o\0 ", $sum;
        $out .= $head . $bytes . "\0" x ( -length($bytes) % 512 );
    }
    return $out;
}

sub cpio_of {
    return join q(), map {
        my ( $name, $bytes ) = @{$_};
        my $head = sprintf '070701' . '%08X' x 13, 1, 0100644, 0, 0, 1, 0, length $bytes, 0, 0, 0, 0, 1 + length $name, 0;
        my $entry = "$head$name\0";
        $entry . "\0" x ( -length($entry) % 4 ) . $bytes . "\0" x ( -length($bytes) % 4 );
    } @_;
}

my @tricks = ( '../../../../../../tmp/poterne-was-here', '/tmp/poterne-was-here', "../\0x", 'a/' x 45 . 'x', '..', q(/), "\e[2J" );

sub attachment {
    my ( $bytes, $name ) = @_;
    return "MIME-Version: 1.0\nContent-Type: application/octet-stream; name=$name\n"
        . "Content-Transfer-Encoding: base64\n\n"
        . encode_base64($bytes);
}

my $bomb = zeros(ZEROS);
my @pile = (
    [ 'a flat bomb' => attachment( zip_of( [ [ 'zeros', $bomb ] ] ), 'a.zip' ) ],
    [ 'a bomb that lies about its size' => attachment( zip_of( [ [ 'zeros', { %{$bomb}, size => 100 } ] ] ), 'a.zip' ) ],
    [ 'an overlapping bomb' => attachment( overlapping( 250, 2_000_000 ), 'a.zip' ) ],
    [ 'nested bombs' => attachment( nested(5), 'a.zip' ) ],
    [ 'too deep an archive' => attachment( nested(40), 'a.zip' ) ],
    [ 'many parts' => "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
            . join( q(), map {"--b\nContent-Type: text/plain\n\nnumber $_\n"} 1 .. PARTS )
            . "--b--\n" ],
    [ 'deep parts' => "MIME-Version: 1.0\n"
            . join( q(), map {"Content-Type: multipart/mixed; boundary=b$_\n\n--b$_\n"} 1 .. DEPTH )
            . "Content-Type: text/plain\n\nthe end\n" ],
    [ 'deep messages' => "MIME-Version: 1.0\nContent-Type: message/rfc822\n\n" x DEPTH . "Subject: x\n\nthe end\n" ],
    [ 'a long header' => join( q(), map {"X-Line-$_: x\n"} 1 .. HEADER ) . "\nthe end\n" ],
    [ 'a header of one field' => "X-Long: x\n" . " y\n" x HEADER x 4 . "\nthe end\n" ],
    [ 'paths in tar' => attachment( tar_of( '0', q(), map { substr $_, 0, 100 } @tricks ), 'a.tar' ) ],
    [ 'links in tar' => attachment( tar_of( '2', '/etc/passwd', 'link' ) . tar_of( '0', q(), 'link' ), 'a.tar' ) ],
    [ 'paths in cpio' => attachment( cpio_of( map { [ $_, $eicar ] } @tricks, 'TRAILER!!!' ), 'a.cpio' ) ],
    [ 'paths in zip' => attachment( zip_of( [ map { [ $_, stored($eicar) ] } @tricks ] ), 'a.zip' ) ],
);

sub send_mail {
    my ( $rcpt, $message ) = @_;
    return $gateway->send_one( from => 'a@remote.example', to => [$rcpt], data => \$message );
}

# --- other mail meanwhile: a process that prints how long each letter waited ---

pipe my $read, my $write or die "pipe: $!\n";
my $stop = 0;
my $pid = fork // die "fork: $!\n";
if ( !$pid ) {
    close $read;
    local $SIG{TERM} = sub { $stop = 1 };
    $write->autoflush(1);
    while ( !$stop ) {
        my $result = send_mail( $other, letter($other) );
        printf {$write} "%d %.3f\n", $result->{code}, $result->{waited} // 99;
        sleep 0.05;
    }
    POSIX::_exit(0);
}
close $write;

# Of the workers, in megabytes.
sub most_memory {
    my $most = 0;
    for my $worker ( @{ $gateway->processes->{antivirus} // [] } ) {
        open my $status, '<', "/proc/$worker/status" or next;
        my ($kilobytes) = map {/^VmHWM:\s+(\d+)/} <$status>;
        $most = $kilobytes / 1000 if ( $kilobytes // 0 ) / 1000 > $most;
    }
    return $most;
}

my %what;    # { id => what it was }
for my $item (@pile) {
    my ( $what, $message ) = @{$item};
    my $result = send_mail( $to, "From: a\@remote.example\nTo: $to\nSubject: x\n$message" );
    my ($id) = $result->{text} =~ /\b([0-9A-Z]{26})\b/;
    my $held = $id && grep { $_ eq $id } $gateway->spooled('quarantine');
    ok( $held || $result->{code} =~ /^5/, "$what: held or refused" ) or diag("$result->{code} $result->{text}");
    cmp_ok( $result->{waited} // 0, '<', SECONDS, sprintf '%s: %.1f s', $what, $result->{waited} // 0 );
    $what{ $id // q() } = $what;
}

# --- several at once ---

# Each sent by a process of its own; [ code, seconds ] of each.
sub all_at_once {
    my (@messages) = @_;
    my @lines = map {
        my $message = "From: a\@remote.example\nTo: $to\nSubject: x\n$_";
        my $sender = open my $line, q(-|);
        die "fork: $!\n" if !defined $sender;
        if ( !$sender ) {
            my $result = send_mail( $to, $message );
            printf "%d %.3f\n", $result->{code}, $result->{waited} // 99;
            STDOUT->flush;
            POSIX::_exit(0);
        }
        $line;
    } @messages;
    return map { [ split ' ', readline($_) // '0 99' ] } @lines;
}

for my $result ( all_at_once( map { $pile[$_][1] } 0, 2 ) ) {
    is( $result->[0], 250, 'one of two at once: held' );
    cmp_ok( $result->[1], '<', SECONDS, "one of two at once: $result->[1] s" );
}
kill 'TERM', $pid;
my @waited = map { [split] } <$read>;
waitpid $pid, 0;
is( scalar( grep { $_->[0] != 250 } @waited ), 0, scalar(@waited) . ' letters meanwhile, all taken' );
my ( $longest, @rest ) = sort { $b <=> $a } map { $_->[1] } @waited;
cmp_ok( $longest, '<', WAIT, sprintf 'none waited longer than %.2f s', $longest );
cmp_ok( most_memory(), '<', MEGABYTES, sprintf 'a worker had at most %.0f MB', most_memory() );

for my $held ( $gateway->poterne_json( 'quarantine', 'list' ) ) {
    my $reasons = join ', ', map {"$_->{engine} $_->{result} ($_->{name})"} @{ $held->{answers} // [] };
    diag( ( $what{ $held->{id} } // 'other' ) . ": $reasons" );
}

# --- everything cut ---

subtest 'files that are cut' => sub {
    my @files = glob TEST_FILES . '/*' or plan skip_all => 'no clamav-testfiles';
    my ( $n, %archive, @bad ) = 0;
    for my $path (@files) {
        open my $file, '<:raw', $path or die "$path: $!\n";
        my $bytes = do { local $/ = undef; <$file> };
        for my $place ( 1 .. CUT_AT ) {
            my $piece = substr $bytes, 0, length($bytes) * $place / ( CUT_AT + 1 );
            my $result = send_mail( $to, "From: a\@b.example\nTo: $to\nSubject: x\n" . attachment( $piece, 'a.bin' ) );
            $n++;
            my ($id) = $result->{text} =~ /\b([0-9A-Z]{26})\b/;
            # cpio has padding behind its end; of the rest every byte that came was looked at
            $archive{ $id // q() } = "$path cut at $place" if $path =~ /\.(?:zip|7z|arj|cab|bz2|gz|tgz)$/;
            push @bad, "$path cut at $place: $result->{code} $result->{text}"
                if $result->{code} != 250 || $result->{waited} > SECONDS;
        }
    }
    is( scalar @bad, 0, "$n pieces, each is answered" ) or diag( map {"$_\n"} @bad );
    delete @archive{ $gateway->spooled('quarantine') };
    is( scalar keys %archive, 0, 'no archive that was cut is clean' ) or diag( map {"$_\n"} sort values %archive );
};

ok( !-e '/tmp/poterne-was-here', 'nothing was written elsewhere' );
ok( $gateway->wait_for_empty_queue, 'the queue gets empty' );
is( scalar( grep {/died: |went away/} split /\n/, $gateway->log_text ), 0, 'no process died' );
is( scalar( glob "$root/run/antivirus/*/*" ), undef, 'nothing is left in the temporary folders' );
is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
