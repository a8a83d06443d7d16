#!/usr/bin/perl
# Mail that hides an attachment, made here from a few tricks and all their products: however the encoding is named and
# broken, the boundary spelled, the part placed, and whatever the file's name looks like, the payload that some mail
# program would show is found, and its name is among those that a policy gets to see.
use strict;
use warnings;
use Compress::Raw::Zlib qw(crc32);
use File::Path qw(make_path remove_tree);
use IPC::Open3 qw(open3);
use MIME::Base64 qw(encode_base64);
use Symbol qw(gensym);
use Test::More;

use constant MIXED => $ENV{POTERNE_TEST_ALL} ? 4000 : 400;    # of all kinds of tricks at once
use constant FILES => 500;                                     # of one call of a program

my $tests = ( $ENV{POTERNE_BUILD} // 'build' ) . '/t/parity';
plan skip_all => "$tests/av_scan is not built" if !-x "$tests/av_scan";
my $folder = 'build/data/evasion';
remove_tree($folder);
make_path($folder);

my $eicar = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD' . '-ANTIVIRUS-TEST-FILE!$H+H*';

# An archive of one stored file.
sub zip_of {
    my ( $name, $bytes ) = @_;
    my $both = pack 'vvvvvVVVvv', 20, 0, 0, 0, 33, crc32($bytes), length $bytes, length $bytes, length $name, 0;
    my $file = "PK\3\4$both$name$bytes";
    my $entry = "PK\1\2" . pack('v', 20) . $both . pack( 'vvvVV', 0, 0, 0, 0, 0 ) . $name;
    return $file . $entry . "PK\5\6" . pack 'vvvvVVv', 0, 0, 1, 1, length $entry, length $file, 0;
}

# Nothing of the test file stands in the packed bytes as it is.
sub gzip_of {
    my ($bytes) = @_;
    my $deflate = Compress::Raw::Zlib::Deflate->new( -WindowBits => Compress::Raw::Zlib::WANT_GZIP(), -AppendOutput => 1 );
    my $out = q();
    $deflate->deflate( $bytes, $out );
    $deflate->flush($out);
    return $out;
}
my $payload = gzip_of( zip_of( 'eicar.com', $eicar ) );

sub lines_of {
    my ( $text, $n ) = @_;
    return join "\n", $text =~ /(.{1,$n})/g;
}
my $plain64 = encode_base64( $payload, q() );

sub qp {
    my ( $keep, $format ) = @_;
    my $text = join q(), map { chr =~ /$keep/ ? chr : sprintf $format, $_ } unpack 'C*', $payload;
    return join "=\n", $text =~ /((?:=\w\w|[^=]){1,24})/g;
}

sub yenc_line {
    my @bytes = map { ( $_ + 42 ) % 256 } unpack 'C*', shift;
    return join q(), map { /^(?:0|10|13|61)$/ ? q(=) . chr( ( $_ + 64 ) % 256 ) : chr } @bytes;
}
my $yenc = join "\n", map { yenc_line($_) } $payload =~ /(.{1,128})/gs;

# name => [ what the encoding is called, the coded payload ]
my %coding = (
    base64 => [ 'base64', encode_base64($payload) ],
    ( map { ( "base64 lines of $_" => [ 'base64', lines_of( $plain64, $_ ) ] ) } 1, 2, 3, 5, 10, 21, 75 ),
    'base64 in one line' => [ 'base64', $plain64 ],
    'base64 without padding' => [ 'base64', $plain64 =~ s/=+$//r ],
    'base64 ragged' => [ 'base64', join "\n", map {"${_}AB"} $plain64 =~ /(.{1,40})/g ],
    'base64 junk' => [ 'base64', join( '#', split //, $plain64 ) ],
    'base64 blanks' => [ 'base64', lines_of( join( q( ), split //, $plain64 ), 70 ) ],
    'base64 tabs' => [ 'base64', join "\t", $plain64 =~ /(.{1,7})/g ],
    'base64 empty lines' => [ 'base64', lines_of( $plain64, 40 ) =~ s/\n/\n\n/gr ],
    'base64 padding behind each group' => [ 'base64', $plain64 =~ s/(.{4})/$1=/gr ],
    'base64 padding in each group' => [ 'base64', $plain64 =~ s/(.{2})(.{2})/$1=$2/gr ],
    'base64 padded lines' => [ 'base64', join "\n", map { encode_base64( $_, q() ) } $payload =~ /(.{1,20})/gs ],
    'base64 for URLs' => [ 'base64', lines_of( $plain64 =~ tr{+/}{-_}r, 60 ) ],
    'base64 foreign lines' => [ 'base64', lines_of( $plain64, 40 ) =~ s/\n/\n> said he: no\n/gr ],
    'base64 behind a comment' => [ 'base64', "# this is a comment\n" . lines_of( $plain64, 60 ) ],
    'base64 framed' => [ 'base64', "begin-base64 644 x\n" . lines_of( $plain64, 60 ) . "\n====" ],
    'base64 goes on behind it' => [ 'base64', encode_base64($payload) . "\nAnd this is more text.\n" ],
    qp => [ 'quoted-printable', qp( qr/[^\W_]/, '=%02X' ) ],
    'qp all' => [ 'quoted-printable', qp( qr/(?!)/, '=%02X' ) ],
    'qp lower case' => [ 'quoted-printable', qp( qr/[^\W_]/, '=%02x' ) ],
    'qp in one line' => [ 'quoted-printable', join q(), map { sprintf '=%02X', $_ } unpack 'C*', $payload ],
    'qp blanks behind soft breaks' => [ 'quoted-printable', qp( qr/[^\W_]/, '=%02X' ) =~ s/=\n/=  \n/gr ],
    'qp bad escapes' => [ 'quoted-printable', qp( qr/(?!)/, '=%02X' ) =~ s/^/=XX/gmr ],
    uu => [ 'x-uuencode', "begin 644 file.bin\n" . pack( 'u', $payload ) . "`\nend" ],
    'uu unframed' => [ 'x-uuencode', pack( 'u', $payload ) ],
    'uu without end' => [ 'x-uuencode', "begin 644 file.bin\n" . pack( 'u', $payload ) ],
    'uu behind text' => [ '7bit', "Dear all,\nsee below.\nbegin 644 file.bin\n" . pack( 'u', $payload ) . "`\nend\n" ],
    'uu the second' =>
        [ '7bit', "begin 644 a\n" . pack( 'u', 'first' ) . "`\nend\nbegin 644 b\n" . pack( 'u', $payload ) . "`\nend" ],
    'uu in base64' => [ 'base64', encode_base64( "text\nbegin 644 b\n" . pack( 'u', $payload ) . "`\nend\n" ) ],
    yenc => [ 'x-yenc', '=ybegin line=128 size=' . length($payload) . " name=file.bin\n$yenc\n=yend" ],
    'yenc behind text' => [ '8bit', 'text' . "\n=ybegin line=128 size=" . length($payload) . " name=file.bin\n$yenc\n=yend" ],
    'message in base64' => [
        'base64',
        encode_base64( "Subject: inside\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
                . encode_base64($payload) )
    ],
    'message in qp' => [
        'quoted-printable',
        "Content-Type: multipart/mixed; boundary=3Dq\n\n--q\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
            . encode_base64($payload) =~ s/=/=3D/gr
            . "\n--q--"
    ],
);

# Header lines that name the encoding E.
my %field = (
    plain => "Content-Transfer-Encoding: E\n",
    'upper case' => "CONTENT-TRANSFER-ENCODING: \U E\n",
    'no blank' => "Content-Transfer-Encoding:E\n",
    'blank before colon' => "Content-Transfer-Encoding : E\n",
    'no colon' => "Content-Transfer-Encoding E\n",
    quotes => "Content-Transfer-Encoding: \"E\"\n",
    comment => "Content-Transfer-Encoding: (a) E (b)\n",
    'comment within' => sub { "Content-Transfer-Encoding: " . substr( $_[0], 0, 2 ) . '(x)' . substr( $_[0], 2 ) . "\n" },
    folded => "Content-Transfer-Encoding:\n E\n",
    'folded twice' => "Content-Transfer-Encoding:\n \n\tE\n",
    'folded name' => "Content-Transfer-\n Encoding: E\n",
    'folded within' => sub { "Content-Transfer-Encoding: " . substr( $_[0], 0, 2 ) . "\n " . substr( $_[0], 2 ) . "\n" },
    semicolon => "Content-Transfer-Encoding: E; charset=x\n",
    'semicolon before' => "Content-Transfer-Encoding: ; E\n",
    comma => "Content-Transfer-Encoding: 7bit, E\n",
    'twice, last' => "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: E\n",
    'twice, first' => "Content-Transfer-Encoding: E\nContent-Transfer-Encoding: 8bit\n",
    'twice, empty' => "Content-Transfer-Encoding:\nContent-Transfer-Encoding: E\n",
    'twice, other' => "Content-Transfer-Encoding: quoted-printable\nContent-Transfer-Encoding: E\n",
    'encoded word' => "Content-Transfer-Encoding: =?utf-8?Q?E?=\n",
    'behind junk' => "this line is no field\nContent-Transfer-Encoding: E\n",
    'behind CR' => "X-Note: x\rContent-Transfer-Encoding: E\n",
    NUL => "Content-Transfer-Encoding: \0E\n",
    'NUL in name' => "Content-Tra\0nsfer-Encoding: E\n",
    unknown => "Content-Transfer-Encoding: x-unknown\n",
    none => q(),
);

# The message's own field, and what stands before "b" on a delimiter's line; B is the boundary.
my %type = (
    plain => ['multipart/mixed; boundary=b'],
    quoted => ['multipart/mixed; boundary="b"'],
    'single quotes' => [q{multipart/mixed; boundary='b'}],
    'escaped' => ['multipart/mixed; boundary="\\b"'],
    'unclosed quote' => ['multipart/mixed; boundary="b'],
    'quote and more' => ['multipart/mixed; boundary="b"x'],
    'upper case' => ['MULTIPART/MIXED; BOUNDARY=b'],
    'blank inside' => [ 'multipart/mixed; boundary="b c"', 'b c' ],
    'blank inside, unquoted' => [ 'multipart/mixed; boundary=b c', 'b c' ],
    'blank before' => [ 'multipart/mixed; boundary=" b"', ' b' ],
    'blank behind' => [ 'multipart/mixed; boundary="b "', 'b ' ],
    'blank on the line' => [ 'multipart/mixed; boundary=b', "b \t" ],
    'blank at =' => ['multipart/mixed; boundary = b'],
    'comment' => ['multipart/mixed; boundary=(x)b'],
    'comment with a boundary' => ['multipart/mixed; boundary=(boundary=x)b'],
    'comment first' => ['(a)multipart/mixed; boundary=b'],
    'comment in the name' => ['multipart/mixed; boun(x)dary=b'],
    'two, first' => ['multipart/mixed; boundary=b; boundary=x'],
    'two, second' => ['multipart/mixed; boundary=x; boundary=b'],
    'two fields, first' => ["multipart/mixed; boundary=b\nContent-Type: multipart/mixed; boundary=x"],
    'two fields, second' => ["multipart/mixed; boundary=x\nContent-Type: multipart/mixed; boundary=b"],
    'text field first' => ["text/plain\nContent-Type: multipart/mixed; boundary=b"],
    'text field last' => ["multipart/mixed; boundary=b\nContent-Type: text/plain"],
    'extended' => [q{multipart/mixed; boundary*=us-ascii''%62}],
    'sections' => [ 'multipart/mixed; boundary*0=b; boundary*1=c', 'bc' ],
    'sections, other order' => [ 'multipart/mixed; boundary*1=c; boundary*0=b', 'bc' ],
    'sections from 1' => [ 'multipart/mixed; boundary*1=b; boundary*2=c', 'bc' ],
    'sections as they stand' => [ 'multipart/mixed; boundary*1=b; boundary*0=c', 'bc' ],
    'plain beside sections' => ['multipart/mixed; boundary=b; boundary*0=x'],
    'encoded word' => [ 'multipart/mixed; boundary="=?utf-8?B?Yg==?="', 'b' ],
    'hidden in a value' => ['multipart/mixed; x="; boundary=x; "; boundary=b'],
    'hidden behind a quote' => ['multipart/mixed; x=a"; boundary=b'],
    'no semicolon' => ['multipart/mixed boundary=b'],
    'comma' => ['multipart/mixed, boundary=b'],
    folded => ["multipart/mixed;\n boundary\n =\n b"],
    'folded name' => ["multipart/mixed; boun\n dary=b"],
    'folded type' => ["\n \n multipart/mixed; boundary=b"],
    'no subtype' => ['multipart; boundary=b'],
    'odd type' => ['x-multipart/mixed; boundary=b'],
    'text' => ['text/plain; boundary=b'],
    'none' => ['text/plain'],
    'no boundary' => ['multipart/mixed'],
    'empty boundary' => [ 'multipart/mixed; boundary=""', q() ],
    'behind CR' => ["text/plain\rContent-Type: multipart/mixed; boundary=b"],
    'long' => [ 'multipart/mixed; boundary=' . 'b' x 300, 'b' x 300 ],
);

# ( header of the message, parts ), from the part that holds the payload and its delimiter.
my %place = (
    last => sub { my ( $type, $b, $part ) = @_; "$type\n--$b\nContent-Type: text/plain\n\nhello\n--$b\n$part\n--$b--\n" },
    first => sub { my ( $type, $b, $part ) = @_; "$type\n--$b\n$part\n--$b\nContent-Type: text/plain\n\nhello\n--$b--\n" },
    unclosed => sub { my ( $type, $b, $part ) = @_; "$type\n--$b\nContent-Type: text/plain\n\nhello\n--$b\n$part\n" },
    'behind the end' =>
        sub { my ( $type, $b, $part ) = @_; "$type\n--$b\nContent-Type: text/plain\n\nhello\n--$b--\n\n--$b\n$part\n--$b--\n" },
    'behind a false preamble' =>
        sub { my ( $type, $b, $part ) = @_; "$type\n--no-boundary\nContent-Type: text/plain\n\n--$b\n$part\n--$b--\n" },
    'in the preamble' =>
        sub { my ( $type, $b, $part ) = @_; "$type\n--x\n$part\n--x--\n\n--$b\nContent-Type: text/plain\n\nhello\n--$b--\n" },
    nested => sub {
        my ( $type, $b, $part ) = @_;
        "$type\n--$b\nContent-Type: multipart/mixed; boundary=in\n\n--in\n$part\n--in--\n--$b--\n";
    },
    'nested, one boundary' => sub {
        my ( $type, $b, $part ) = @_;
        "$type\n--$b\nContent-Type: multipart/mixed; boundary=\"$b\"\n\n--$b\n$part\n--$b--\n--$b--\n";
    },
    'nested, prefix' => sub {
        my ( $type, $b, $part ) = @_;
        "$type\n--$b\nContent-Type: multipart/mixed; boundary=\"${b}x\"\n\n--${b}x\n$part\n--${b}x--\n--$b--\n";
    },
    'in a message' => sub {
        my ( $type, $b, $part ) = @_;
        "$type\n--$b\nContent-Type: message/rfc822\n\nSubject: in\n$part\n--$b--\n";
    },
    'in an encoded message' => sub {
        my ( $type, $b, $part ) = @_;
        my $message = "Subject: in\nMIME-Version: 1.0\n$part";
        "$type\n--$b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" . encode_base64($message) . "--$b--\n";
    },
    'in an attached message' => sub {
        my ( $type, $b, $part ) = @_;
        my $message = "Subject: in\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=in\n\n--in\n$part\n--in--\n";
        "$type\n--$b\nContent-Type: application/octet-stream; name=x.eml\nContent-Transfer-Encoding: base64\n\n"
            . encode_base64($message)
            . "--$b--\n";
    },
    'no parts' => sub { my ( $type, $b, $part ) = @_; $part },
);

my $n = 0;
my %what;    # of a file

sub message {
    my ( $coding, $field, $type, $place, $crlf ) = @_;
    my ( $called, $coded ) = @{ $coding{$coding} };
    my ( $content, $boundary ) = @{ $type{$type} };
    my $line = $field{$field};
    $line = ref $line ? $line->($called) : $line =~ s/\bE\b/$called/gr;
    my $part = "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=x.bin\n$line\n$coded";
    my $mail = "From: a\@example.org\nTo: b\@example.org\nSubject: x\nMIME-Version: 1.0\n"
        . $place{$place}->( "Content-Type: $content\n", $boundary // 'b', $part );
    $mail =~ s/\n/\r\n/g if $crlf;
    my $path = sprintf '%s/%05d', $folder, $n++;
    $what{$path} = "$coding | $field | $type | $place" . ( $crlf ? ' | CR LF' : q() );
    open my $file, '>:raw', $path or die "$path: $!\n";
    print {$file} $mail;
    close $file or die "$path: $!\n";
    return $path;
}

# {path} = the engine's answer
sub scan {
    my @files = @_;
    my %answers;
    while ( my @some = splice @files, 0, FILES ) {
        my $pid = open3( my $in, my $out, my $err = gensym(), "$tests/av_scan", 'antivirus/demo/clamav', q(), @some );
        close $in;
        while (<$out>) {
            my ( $path, undef, $result, undef, $name ) = split q( ), $_, 5;
            $answers{$path} = $result eq 'unscannable' ? "marked: $name" : $result;
        }
        waitpid $pid, 0;
    }
    return \%answers;
}

sub all_found {
    my ( $title, $allowed, @files ) = @_;
    my $answers = scan(@files);
    my @missed = grep { ( $answers->{$_} // q() ) !~ /^(?:infected|marked)/ } @files;
    my @marked = grep { ( $answers->{$_} // q() ) =~ /^marked/ } @files;
    cmp_ok( scalar @missed, '<=', $allowed, @files . " $title, found but for " . @missed );
    diag( map {"missed: $what{$_} ($_)\n"} @missed ) if @missed;
    diag("marked: $what{$_}: $answers->{$_}") for $ENV{POTERNE_TEST_ALL} ? @marked : ();
    cmp_ok( scalar @marked, '<=', @files / 20, scalar(@marked) . ' of them only marked' );
    return;
}

sub sets {
    my ($kind) = @_;
    return sort keys %{$kind};
}

all_found( 'ways to code', 0, map { my $c = $_; map { message( $c, 'plain', 'plain', 'last', $_ ) } 0, 1 } sets( \%coding ) );
all_found(
    'ways to name an encoding',
    0,
    map {
        my $c = $_;
        map { my $f = $_; map { message( $c, $f, 'plain', 'last', $_ ) } 0, 1 } sets( \%field )
    } qw(base64 qp uu)
);
all_found(
    'boundaries in all places',
    0,
    map {
        my $t = $_;
        map { my $p = $_; map { message( 'base64', 'plain', $t, $p, $_ ) } 0, 1 } sets( \%place )
    } sets( \%type )
);

srand 7;
sub any { my @list = sets(shift); return $list[ rand @list ] }
# What nothing says to be coded, no program decodes unless it looks the part.
delete @field{qw(none unknown)};
# Three tricks at once in one message inside another: a few get by, and no program is known to show them.
all_found( 'mixed', MIXED / 400, map { message( any( \%coding ), any( \%field ), any( \%type ), any( \%place ), int rand 2 ) } 1 .. MIXED );
diag( $n . ' messages' );

# Of each: the fields of a part, in which some program reads "run.exe" for its name.
my @named = (
    'Content-Disposition: attachment; filename=run.exe',
    'Content-Disposition: attachment; filename="run.exe"',
    q{Content-Disposition: attachment; filename='run.exe'},
    'Content-Disposition: attachment; filename="run".exe',
    'Content-Disposition: attachment; filename=run.exe; filename=a.txt',
    'Content-Disposition: attachment; filename=a.txt; filename=run.exe',
    'Content-Disposition: attachment; filename="a.txt"; FileName = run.exe',
    "Content-Disposition: attachment; filename=a.txt\nContent-Disposition: attachment; filename=run.exe",
    "Content-Disposition: attachment; filename=a.txt\nContent-Type: application/x; name=run.exe",
    'Content-Disposition: attachment; filename="r\\un.exe"',
    'Content-Disposition: attachment; filename=(a)run.exe',
    'Content-Disposition: attachment; filename=run(.txt).exe',
    'Content-Disposition: attachment; file(a)name=run.exe',
    "Content-Disposition: attachment; filename=\n run.exe",
    "Content-Disposition: attachment;\n\tfilename\n =\n run.exe",
    "Content-Disposition: attachment; file\n name=run.exe",
    'Content-Disposition: attachment filename=run.exe',
    'Content-Disposition attachment; filename=run.exe',
    'Content-Disposition: filename=run.exe',
    "X-Note: a\rContent-Disposition: attachment; filename=run.exe",
    "Content-Disposition: attachment; file\0name=run.exe",
    "Content-Disposition: attachment; filename=run.\0exe",
    'Content-Disposition: attachment; filename==?utf-8?Q?run=2Eexe?=',
    'Content-Disposition: attachment; filename="=?utf-8?B?cnVuLmV4ZQ==?="',
    'Content-Disposition: attachment; filename="=?utf-8?Q?run?= =?utf-8?Q?=2Eexe?="',
    'Content-Disposition: attachment; filename="=?utf-16?B?cgB1AG4ALgBlAHgAZQA=?="',
    q{Content-Disposition: attachment; filename*=utf-8''run%2Eexe},
    q{Content-Disposition: attachment; filename*=utf-16''r%00u%00n%00.%00e%00x%00e%00},
    q{Content-Disposition: attachment; filename*=utf-8'en'run.exe; filename=a.txt},
    q{Content-Disposition: attachment; filename*=utf-8''a.txt; filename=run.exe},
    'Content-Disposition: attachment; filename=run%2Eexe',
    'Content-Disposition: attachment; filename*=run.exe',
    'Content-Disposition: attachment; filename*0=run; filename*1=.exe',
    'Content-Disposition: attachment; filename*0="run"; filename*1=".exe"',
    'Content-Disposition: attachment; filename*1=.exe; filename*0=run',
    'Content-Disposition: attachment; filename*1=run; filename*0=.exe',
    'Content-Disposition: attachment; filename*1=run; filename*2=.exe',
    'Content-Disposition: attachment; filename*0=run; filename*2=.exe',
    'Content-Disposition: attachment; filename*0=run.exe; filename*2=.txt',
    'Content-Disposition: attachment; filename*0=run; filename*1=.exe; filename*1=.txt',
    'Content-Disposition: attachment; filename*0=run; filename*1=.txt; filename*1=.exe',
    q{Content-Disposition: attachment; filename*0*=utf-8''run; filename*1*=%2Eexe},
    q{Content-Disposition: attachment; filename*0*=utf-8''run; filename*1=.exe; filename=a.txt},
    q{Content-Disposition: attachment; filename*00=run; filename*01=.exe},
    "Content-Type: a/b; name*0=run\nContent-Type: a/b; name*1=.exe",
    'Content-Type: application/x; name="a.txt" x=";name=run.exe',
);

my $at = 0;
my %field_of;
for my $fields (@named) {
    for my $type ( q(), "Content-Type: application/octet-stream; name=b.txt\n" ) {
        my $path = sprintf '%s/name%03d', $folder, $at++;
        $field_of{$path} = $fields;
        open my $file, '>:raw', $path or die "$path: $!\n";
        print {$file} "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n$type$fields\n",
            "Content-Transfer-Encoding: base64\n\nTVqQAAMA\n--b--\n";
        close $file or die "$path: $!\n";
    }
}
my %seen;
open my $names, q(-|), "$tests/av_names", sort keys %field_of or die "av_names: $!\n";
while (<$names>) {
    chomp;
    my ( $path, undef, undef, $name ) = split q( ), $_, 4;
    $seen{$path} = 1 if ( $name // q() ) eq 'run.exe';
}
close $names or die "av_names failed\n";
my @unseen = grep { !$seen{$_} } sort keys %field_of;
is( scalar @unseen, 0, @named . ' ways to give a name, all found' ) or diag( map {"missed: $field_of{$_} ($_)\n"} @unseen );

done_testing();
