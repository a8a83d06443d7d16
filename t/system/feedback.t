#!/usr/bin/perl
# DMARC aggregate reports that others send us: gzip, zip and plain XML are read into the journal, each report once;
# bombs, entities, damaged files and reports about strangers are held and harm nobody.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Process qw(command_answer wait_until);
use Poterne::Tree qw(slurp);
use Poterne::Files qw(write_file);

my $python = '/usr/bin/python3';
plan skip_all => 'python3 is not installed' if !-x $python;

my $root = tempdir( 'poterne-feedback-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => { reports => { dmarc => 'dmarc@univ.example' } },
    domains  => {
        'univ.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['jean@univ.example'] },
    }
)->start;

sub record {
    my ( $ip, $n, $spf ) = @_;
    return "<record><row><source_ip>$ip</source_ip><count>$n</count><policy_evaluated><disposition>none</disposition>"
        . "<dkim>fail</dkim><spf>$spf</spf></policy_evaluated></row><identifiers><header_from>univ.example</header_from>"
        . '</identifiers><auth_results/></record>';
}

sub report {
    my ( $id, $domain, @records ) = @_;
    return "<?xml version=\"1.0\"?>\n<feedback><report_metadata><org_name>Big</org_name><email>a\@big.example</email>"
        . "<report_id>$id</report_id><date_range><begin>1795305600</begin><end>1795391999</end></date_range></report_metadata>"
        . "<policy_published><domain>$domain</domain><p>none</p></policy_published>@records</feedback>\n";
}

# What Python's gzip and zipfile make of a text.
sub packed {
    my ( $how, $text ) = @_;
    write_file( "$root/in", $text );
    my $program = $how eq 'gzip'
        ? 'import gzip,sys;open(sys.argv[2],"wb").write(gzip.compress(open(sys.argv[1],"rb").read()))'
        : 'import zipfile,sys;zipfile.ZipFile(sys.argv[2],"w",zipfile.ZIP_DEFLATED).write(sys.argv[1],"report.xml")';
    is( ( command_answer( $python, '-c', $program, "$root/in", "$root/out" ) )[0], 0, $how );
    return slurp("$root/out");
}

# Sends it as an attachment; its last outcome.
sub post {
    my ( $type, $bytes ) = @_;
    my $mail = "From: Big <noreply\@big.example>\nTo: dmarc\@univ.example\nSubject: Report Domain: univ.example\n"
        . "Date: Mon, 23 Nov 2026 02:00:00 +0000\nMessage-ID: <" . rand() . "\@big.example>\nMIME-Version: 1.0\n"
        . "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nA report.\n--x\n"
        . "Content-Type: $type; name=\"report\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n"
        . encode_base64($bytes) . "--x--\n";
    my $result = $gateway->send_one( from => 'noreply@big.example', to => ['dmarc@univ.example'], data => \$mail );
    is( $result->{code}, 250, 'taken' ) or diag( explain($result) );
    my ($id) = ( $result->{text} // '' ) =~ /\b([0-9A-Z]{26})\b/;
    my $last = {};
    wait_until(
        40,
        sub {
            my ($message) = $gateway->poterne_json( 'trace', $id );
            $last = $message->{recipients}[0]{outcomes}[-1] // {};
            return ( $last->{state} // '' ) =~ /^(?:delivered|held|failed)$/;
        }
    );
    return $last;
}

sub sums {
    return map { ( "$_->{source_ip} $_->{spf}" => $_ ) } $gateway->poterne_json( 'reports', 'received', @_ );
}

is( ( $gateway->poterne( 'reports', 'received' ) )[0], 1, 'nothing was received' );
my $first = report( 'r1', 'univ.example', record( '192.0.2.1', 5, 'pass' ), record( '2001:db8::1', 2, 'fail' ) );
my $last = post( 'application/gzip', packed( 'gzip', $first ) );
is( $last->{state}, 'delivered', 'gzip: read' );
like( $last->{detail}, qr/2 records about univ\.example from Big/, '… and told what' );
$last = post( 'application/zip', packed( 'zip', report( 'r2', 'univ.example', record( '192.0.2.1', 7, 'pass' ) ) ) );
is( $last->{state}, 'delivered', 'zip: read' ) or diag( explain($last) );
$last = post( 'text/xml', report( 'r3', 'univ.example', record( '192.0.2.3', 1, 'fail' ) ) );
is( $last->{state}, 'delivered', 'XML: read' );
is( post( 'application/octet-stream', packed( 'gzip', $first ) )->{state}, 'delivered', 'the first one again' );
is( post( 'text/xml', report( 'r1', 'univ.example', record( '192.0.2.66', 999, 'pass' ) ) )->{state},
    'delivered', 'another one that says to be the first' );

my %sums = sums();
is( $sums{'192.0.2.1 pass'}{messages}, 12, 'two reports together' );
is( $sums{'192.0.2.1 pass'}{reports},  2,  '… are counted' );
is( $sums{'2001:db8::1 fail'}{messages}, 2, 'what came twice counts once' );
is( $sums{'192.0.2.3 fail'}{messages},   1, 'the third' );
is( $sums{'192.0.2.66 pass'}, undef, 'a forged second is not taken' );
is_deeply( [ sums( '--domain', 'other.example' ) ], [], 'by domain' );
my ( $status, $text ) = $gateway->poterne( 'reports', 'received' );
like( $text, qr/^univ\.example\s+192\.0\.2\.1\s+12\s+2\s+fail\s+pass\s+none/m, 'for people' );
like( $text, qr/^15 messages/m, 'in all' );

# --- hostile ---

my @bad = (
    [ 'a bomb', 'application/gzip', packed( 'gzip', '<feedback>' . ' ' x 80_000_000 ), qr/too large when unpacked/ ],
    [ 'a bomb in a zip', 'application/zip', packed( 'zip', '<feedback>' . ' ' x 80_000_000 ), qr/too large when unpacked/ ],
    [   'a file of ours as an entity',
        'text/xml',
        '<!DOCTYPE feedback [<!ENTITY x SYSTEM "file:///etc/passwd">]>' . report( '&x;', 'univ.example', record( '192.0.2.9', 1, 'fail' ) ) =~ s/<\?xml.*\n//r,
        qr/document type/
    ],
    [ 'a damaged gzip file', 'application/gzip', substr( packed( 'gzip', $first ), 0, 60 ), qr/damaged gzip/ ],
    [ 'about strangers', 'text/xml', report( 'r9', 'bank.test', record( '192.0.2.9', 1, 'fail' ) ), qr/none of our domains/ ],
    [ 'nothing', 'application/pdf', '%PDF-1.4', qr/no DMARC report in it/ ],
);
for my $case (@bad) {
    my ( $name, $type, $bytes, $why ) = @$case;
    my $outcome = post( $type, $bytes );
    is( $outcome->{state}, 'held', "$name: held" ) or diag( explain($outcome) );
    like( $outcome->{detail}, $why, '… and why' );
}
my %after = sums();
is_deeply( \%after, \%sums, 'nothing of it is in the journal' );
is( post( 'text/xml', report( 'r10', 'univ.example', record( '192.0.2.10', 1, 'fail' ) ) )->{state}, 'delivered', 'the next one is read' );
$gateway->stop;
done_testing();
