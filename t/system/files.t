#!/usr/bin/perl
# The file policy over SMTP: what is forbidden by its name or by what it is, in archives as well; and encrypted archives,
# with a password in the text and without.
use strict;
use warnings;

use Compress::Raw::Zlib qw(crc32);
use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(header_of);
use Poterne::Process qw(wait_until);

my $to = 'jean@files.example';
my $root = tempdir( 'poterne-files-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $policy = "$root/file-policy";
my $gateway = Poterne::Gateway->new(
    root     => $root,
    domains  => { 'files.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } },
    settings => { antivirus => { file_policy => qq("$policy"), unscannable => 'deliver-marked' } },
);
my $eicar = join '', 'X5O!P%@AP[4\PZX54(P^)7CC)7}$', 'EICAR', '-STANDARD-ANTIVIRUS', '-TEST-FILE!$H+H*';
my $program = pack 'a60 V a64 a4 a200', 'MZ', 128, '', "PE\0\0", '';

sub write_policy {
    my ($text) = @_;
    open my $file, '>', $policy or die "$policy: $!\n";
    print {$file} $text;
    close $file or die "$policy: $!\n";
    return;
}

sub shipped {
    open my $file, '<', 'antivirus/files/file-policy' or die "file-policy: $!\n";
    local $/;
    return <$file>;
}

# APPNOTE.TXT 6.1: each byte changes the three keys, which make the next byte of the stream.
sub zip_crypto {
    my ( $password, $bytes ) = @_;
    my @table = map {
        my $c = $_;
        $c = $c & 1 ? 0xedb88320 ^ $c >> 1 : $c >> 1 for 1 .. 8;
        $c
    } 0 .. 255;
    my @key = ( 0x12345678, 0x23456789, 0x34567890 );
    my $update = sub {
        my ($byte) = @_;
        $key[0] = $table[ ( $key[0] ^ $byte ) & 255 ] ^ $key[0] >> 8;
        $key[1] = ( ( $key[1] + ( $key[0] & 255 ) ) * 134775813 + 1 ) & 0xffffffff;
        $key[2] = $table[ ( $key[2] ^ $key[1] >> 24 ) & 255 ] ^ $key[2] >> 8;
    };
    $update->( ord $_ ) for split //, $password;
    my $out = '';
    for my $byte ( unpack 'C*', $bytes ) {
        my $t = ( $key[2] | 2 ) & 0xffff;
        $out .= chr( $byte ^ ( ( $t * ( $t ^ 1 ) ) >> 8 & 255 ) );
        $update->($byte);
    }
    return $out;
}

# A zip archive of one stored file.
sub zip_of {
    my ( $name, $bytes, $password ) = @_;
    my $crc = crc32($bytes);
    my $packed = defined $password ? zip_crypto( $password, 'x' x 11 . chr( $crc >> 24 ) . $bytes ) : $bytes;
    my $common = pack 'vvvVVVVvv', 20, defined $password ? 1 : 0, 0, 0, $crc, length $packed, length $bytes, length $name, 0;
    my $local = "PK\3\4$common$name$packed";
    my $entry = pack( 'a4va*vvvVV', "PK\1\2", 20, $common, 0, 0, 0, 0, 0 ) . $name;
    return $local . $entry . pack 'a4vvvvVVv', "PK\5\6", 0, 0, 1, 1, length $entry, length $local, 0;
}

sub mail_with {
    my ( $name, $bytes, $text ) = @_;
    return "From: <c\@remote.example>\nTo: <$to>\nSubject: $name\nMessage-ID: <$name-" . rand() . "\@remote.example>\n"
        . "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n\n"
        . '--b1' . "\nContent-Type: text/plain\n\n" . ( $text // 'See what is attached.' ) . "\n"
        . "--b1\nContent-Type: application/octet-stream; name=\"$name\"\nContent-Transfer-Encoding: base64\n\n"
        . encode_base64($bytes)
        . "--b1--\n";
}

# What became of it: (reply, why it is held, header field of what was delivered)
sub fate {
    my ( $name, $bytes, $text ) = @_;
    my $mail = mail_with( $name, $bytes, $text );
    my $result = $gateway->send_one( from => 'c@remote.example', to => [$to], data => \$mail );
    my ($id) = $result->{text} =~ /\b([0-9A-Z]{26})\b/;
    my ($held) = grep { defined $id && $_->{id} eq $id } $gateway->poterne_json('quarantine');
    my $field = '';
    if ( defined $id && !$held ) {
        my $there = sub {
            grep { index( $_, $id ) >= 0 } $gateway->maildir_messages($to);
        };
        wait_until( 30, sub { scalar $there->() } );
        my ($message) = $there->();
        $field = header_of( $message // '', 'X-Poterne-Antivirus' ) // '';
    }
    return ( "$result->{code}", $held ? $held->{held} : '', $field );
}

write_policy(shipped());
$gateway->start;

my ( $code, $held, $field ) = fate( 'a.zip', zip_of( 'b.zip', zip_of( 'setup.exe', 'x' ) ) );
like( $held, qr{banned: a\.zip/b\.zip/setup\.exe: extension exe \(file-policy:\d+\) \(files\)}, 'exe in zip in zip' );
( $code, $held ) = fate( 'holiday.jpg', $program );
like( $held, qr{banned: holiday\.jpg: type pe \(file-policy:\d+\)}, 'a program with another name' );
( $code, $held, $field ) = fate( 'page.js', 'alert(1)' );
is( $held, '', 'js is not held' );
like( $field, qr{files banned\s+\(page\.js: extension js \(file-policy:\d+\)\)}, 'but marked' );
( $code, $held, $field ) = fate( 'letter.docm', zip_of( 'word/vbaProject.bin', 'x' ) );
is( $held, '', 'docm is not held' );
like( $field, qr{files banned\s+\(letter\.docm: (?:type office-macro|extension docm)}, 'but marked' );
( $code, $held, $field ) = fate( 'letter.txt', 'A plain text.' );
is( $held . $field, '', 'a text passes' );

my $locked = zip_of( 'test.txt', $eicar, 'Tr0ub4dor' );
( $code, $held ) = fate( 'locked.zip', $locked, 'The password is Tr0ub4dor, as always.' );
like( $held, qr{infected: .*\(clamav\)}i, 'encrypted, with the password in the text: infected' );
( $code, $held, $field ) = fate( 'locked.zip', $locked, 'I shall tell you the password by telephone.' );
is( $held, '', 'without it: as the policy for what is unscannable says' );
like( $field, qr{unscannable}, 'and marked' );

write_policy("reject extension js\n");
$gateway->reload;
($code) = fate( 'page.js', 'alert(1)' );
like( $code, qr/^5/, 'after SIGHUP the new rules hold: rejected' );

my $from = length $gateway->log_text;
write_policy("reject extension js\nquarantin type pe\n");
kill 'HUP', $gateway->{pid} or die "the gateway does not run\n";
ok( $gateway->wait_for_log( qr/file-policy:2: no action "quarantin"; did you mean quarantine\?/, $from, 30 ), 'a mistake is told' );
# the session may be one that the edge of before was about to end: who hears 421 comes again
wait_until( 60, sub { ($code) = fate( 'page.js', 'alert(1)' ); $code ne '421' } );
like( $code, qr/^5/, 'and the rules that were there go on' );

$gateway->stop;
done_testing();
