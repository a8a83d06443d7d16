#!/usr/bin/perl
# Through SMTP: the EICAR test file and Debian's clamav-testfiles (containers, packers, other coders), each attached in
# five ways, end in quarantine; real mail does not.
use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Compress::Zip qw(zip $ZipError);
use MIME::Base64 qw(encode_base64);
use MIME::QuotedPrint qw(encode_qp);
use Test::More;
use lib 't/lib';
use Poterne::Data qw(corpus_messages);
use Poterne::Gateway;

use constant { FILES => '/usr/share/clamav-testfiles', REAL_MAIL => $ENV{POTERNE_TEST_ALL} ? 100_000 : 200 };

my $to = 'jean@av.example';
my $root = tempdir( 'poterne-av-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

sub content_of {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/ = undef;
    return scalar <$file>;
}

my $eicar = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD' . '-ANTIVIRUS-TEST-FILE!$H+H*';
my %payload = ( 'eicar.com' => $eicar );
for my $path ( glob FILES . '/*' ) {
    $payload{ $path =~ s{.*/}{}r } = content_of($path);
}

# All of the package hold clam.exe: a signature of that file, beside the one of EICAR.
my $signatures = "$root/signatures";
make_path($signatures);
chmod 0755, $signatures;
for my $path ( glob 'antivirus/demo/clamav/*' ) {
    Poterne::Gateway::write_file( "$signatures/" . $path =~ s{.*/}{}r, content_of($path) );
}
if ( my $program = $payload{'clam.exe'} ) {
    Poterne::Gateway::write_file( "$signatures/clam.hdb",
        join( ':', md5_hex($program), length $program, 'ClamAV-Test-File' ) . "\n" );
}

my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    # one of the files fills the default limit of 17 by itself: zipped it would only be marked
    settings => { antivirus => { clamav_databases => qq("$signatures"), recursion_limit => 20 } },
    domains  => {
        'av.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => [$to] }
    }
)->start;

sub attached {
    my ( $name, $bytes, $type ) = @_;
    $type //= 'application/octet-stream';
    return "Content-Type: $type; name=\"$name\"\nContent-Disposition: attachment; filename=\"$name\"\n"
        . "Content-Transfer-Encoding: base64\n\n"
        . encode_base64($bytes);
}

sub mixed {
    my ( $boundary, @parts ) = @_;
    return "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=$boundary\n\n"
        . join( q(), map {"--$boundary\n$_\n"} "Content-Type: text/plain\n\nhello", @parts )
        . "--$boundary--\n";
}

sub zipped {
    my ( $name, $bytes ) = @_;
    zip( \$bytes => \my $out, Name => $name ) or die "zip: $ZipError\n";
    return $out;
}

my %form = (
    plain    => sub { "MIME-Version: 1.0\nContent-Type: application/octet-stream; name=\"$_[0]\"\n"
                    . "Content-Transfer-Encoding: quoted-printable\n\n" . encode_qp( $_[1], "\n", 1 ) },
    base64   => sub { mixed( 'b', attached(@_) ) },
    nested   => sub { mixed( 'b', "Content-Type: message/rfc822\n\nSubject: in\n" . mixed( 'in', attached(@_) ) ) },
    zipped   => sub { mixed( 'b', attached( "$_[0].zip", zipped(@_) ) ) },
    misnamed => sub { mixed( 'b', attached( 'holiday.jpg', $_[1], 'image/jpeg' ) ) },
);

sub send_mail {
    my ( $smtp, $message ) = @_;
    return $smtp->send( from => 'a@remote.example', to => [$to], data => \$message );
}

# { id of the message => what it is }
my %sent;
my @refused;
for my $form ( sort keys %form ) {
    my $smtp = $gateway->smtp;
    for my $name ( sort keys %payload ) {
        my $result = send_mail( $smtp, "From: a\@remote.example\nTo: $to\nSubject: x\n" . $form{$form}->( $name, $payload{$name} ) );
        my ($id) = $result->{text} =~ /\b([0-9A-Z]{26})\b/;
        $sent{$id} = "$name, $form" if $result->{code} == 250 && $id;
        push @refused, "$name, $form: $result->{code} $result->{text}" if $result->{code} != 250;
    }
    $smtp->quit;
}
is( scalar @refused, 0, scalar( keys %payload ) . ' files in ' . scalar( keys %form ) . ' forms: the sender is not told' )
    or diag( map {"$_\n"} @refused );
my %held = map { ( $_ => 1 ) } $gateway->spooled('quarantine');
my @missed = grep { !$held{$_} } sort keys %sent;
is( scalar @missed, 0, scalar( keys %sent ) . ' messages, all in quarantine' ) or diag( map {"$sent{$_} ($_)\n"} @missed );
ok( $gateway->wait_for_empty_queue, 'the queue is empty' );
is( scalar $gateway->maildir_messages($to), scalar @missed, 'and nothing else was delivered' );
diag('clamav-testfiles is not installed: EICAR alone') if keys %payload == 1;

subtest 'real mail' => sub {
    my @mail = corpus_messages(REAL_MAIL) or plan skip_all => 'no corpora';
    my $before = $gateway->spooled('quarantine');
    my ( $smtp, $taken ) = ( $gateway->smtp, 0 );
    for my $mail (@mail) {
        my $result = send_mail( $smtp, content_of( $mail->[1] ) );
        $taken += $result->{code} == 250;
        $smtp = $gateway->smtp if !$result->{code} || $result->{code} == 421;
    }
    $smtp->quit;
    cmp_ok( $taken, '>=', 0.98 * @mail, "$taken of " . @mail . ' are taken' );
    is( scalar $gateway->spooled('quarantine'), $before, 'and none is in quarantine' );
};

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
