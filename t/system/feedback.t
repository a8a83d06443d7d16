#!/usr/bin/perl
# Reports that others send us, about DMARC and TLS: gzip, zip, plain XML and JSON are read into the journal, each
# report once; bombs, entities, damaged files and reports about strangers are held and harm nobody; of reports about
# TLS, python3-dkim's signature says whose they are.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Process qw(command_answer command_output wait_until);
use Poterne::Tree qw(slurp);
use Poterne::Files qw(write_file);

my $python = '/usr/bin/python3';
plan skip_all => 'Debian package python3-dkim is not installed' if !-x $python || system("$python -c 'import dkim' 2>/dev/null") != 0;
plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();

my $root = tempdir( 'poterne-feedback-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
command_output( 'openssl', 'genrsa', '-traditional', '-out', "$root/key.pem", 2048 );
my ( $failed, $public ) = command_output( qw(openssl rsa -pubout -in), "$root/key.pem" );
BAIL_OUT("openssl: $public") if $failed;
my ($p) = $public =~ /KEY-----\n(.*?)-----END/s;
$p =~ s/\s//g;
my $dns = Poterne::Dns->new( folder => "$root/dns", records => [ map {qq(s._domainkey.$_.example. TXT "v=DKIM1; k=rsa; p=$p")} qw(big mail.big evil) ] )->start;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => { reports => { dmarc => 'dmarc@univ.example', tls => 'tls@univ.example' }, resolver => $dns->settings },
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

write_file( "$root/sign.py", <<'PYTHON' );
import dkim, sys
mail = open(sys.argv[1], 'rb').read().replace(b'\n', b'\r\n')
signature = dkim.sign(mail, b's', sys.argv[3].encode(), open(sys.argv[2], 'rb').read())
open(sys.argv[1], 'wb').write((signature + mail).replace(b'\r\n', b'\n'))
PYTHON

sub signed {
    my ( $mail, $domain ) = @_;
    write_file( "$root/mail", $mail );
    my ( $bad, $why ) = command_output( $python, "$root/sign.py", "$root/mail", "$root/key.pem", $domain );
    is( $bad, 0, "signed by $domain" ) or diag($why);
    return slurp("$root/mail");
}

# Sends it as an attachment; its last outcome. More: to, signed by which domain.
sub post {
    my ( $type, $bytes, %more ) = @_;
    my $to   = $more{to} // 'dmarc@univ.example';
    my $mail = "From: Big <noreply\@big.example>\nTo: $to\nSubject: Report Domain: univ.example\n"
        . "Date: Mon, 23 Nov 2026 02:00:00 +0000\nMessage-ID: <" . rand() . "\@big.example>\nMIME-Version: 1.0\n"
        . "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nA report.\n--x\n"
        . "Content-Type: $type; name=\"report\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n"
        . encode_base64($bytes) . "--x--\n";
    $mail = signed( $mail, $more{signed} ) if $more{signed};
    my $result = $gateway->send_one( from => 'noreply@big.example', to => [$to], data => \$mail );
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

# --- about TLS (RFC 8460) ---

sub tls_report {
    my ( $id, $domain, $failed ) = @_;
    return
          qq({"organization-name":"Big Ltd","contact-info":"tls\@big.example","report-id":"$id","date-range":{"start-datetime":)
        . qq("2026-11-21T00:00:00Z","end-datetime":"2026-11-21T23:59:59Z"},"policies":[{"policy":{"policy-type":"sts",)
        . qq("policy-string":["version: STSv1","mode: enforce"],"policy-domain":"$domain","mx-host":["mx.$domain"]},"summary":{)
        . qq("total-successful-session-count":5,"total-failure-session-count":$failed},"failure-details":[{"result-type":)
        . qq("certificate-expired","sending-mta-ip":"192.0.2.7","receiving-mx-hostname":"mx.$domain","receiving-ip":"192.0.2.1",)
        . qq("failed-session-count":$failed,"failure-reason-code":"too old"}]}]});
}

sub tls_sums {
    return map { ( join( ' ', $_->{reporter}, $_->{result} // 'secured' ) => $_ ) } $gateway->poterne_json( 'reports', 'received', 'tls', @_ );
}
my @tls = ( to => 'tls@univ.example', signed => 'big.example' );
is( ( $gateway->poterne( 'reports', 'received', 'tls' ) )[0], 1, 'none about TLS was received' );
my $tls = tls_report( 'r1', 'univ.example', 3 );
$last = post( 'application/tlsrpt+gzip', packed( 'gzip', $tls ), @tls );
is( $last->{state}, 'delivered', 'about TLS: read' ) or diag( explain($last) );
like( $last->{detail}, qr/2 results of TLS from Big Ltd, signed by big\.example/, '… and told what, and whose' );
is( post( 'application/tlsrpt+json', $tls, @tls )->{state}, 'delivered', 'the same one again, not compressed' );
is( post( 'application/tlsrpt+json', tls_report( 'r2', 'univ.example', 4 ), @tls, signed => 'mail.big.example' )->{state},
    'delivered', 'signed below the domain of From' );
my %tls = tls_sums();
is( $tls{'big.example certificate-expired'}{sessions}, 7, 'what failed, of both' ) or diag( explain( \%tls ) );
is( $tls{'big.example certificate-expired'}{reports},  2, '… which are counted' );
is( $tls{'big.example certificate-expired'}{receiving_mx}, 'mx.univ.example', '… where' );
is( $tls{'big.example certificate-expired'}{reason},       'too old',         '… why' );
is( $tls{'big.example secured'}{sessions}, 10, 'what did not' );
is_deeply( { tls_sums( '--domain', 'other.example' ) }, {}, 'by domain' );
( $status, $text ) = $gateway->poterne( 'reports', 'received' );
like( $text, qr/^univ\.example\s+certificate-expired\s+7\s+2\s+big\.example\s+sts\s+mx\.univ\.example/m, 'for people' );
like( $text, qr/^17 sessions, 7 of them failed$/m, 'in all' );
like( $text, qr/^\d+ messages/m, 'beside what is about DMARC' );
is( ( $gateway->poterne( 'reports', 'received', 'what' ) )[0], 2, 'there is no other kind' );

my $deep = '{"a":' . '[' x 2000 . ']' x 2000 . '}';
@bad = (
    [ 'without a signature', 'application/tlsrpt+json', $tls, qr/without a valid DKIM signature/, signed => undef ],
    [ 'signed by somebody else', 'application/tlsrpt+json', $tls, qr/without a valid DKIM signature/, signed => 'evil.example' ],
    [ 'a bomb', 'application/tlsrpt+gzip', packed( 'gzip', '{' . ' ' x 80_000_000 ), qr/too large when unpacked/ ],
    [ 'a deep one', 'application/tlsrpt+json', $deep, qr/too deep/ ],
    [ 'half of one', 'application/tlsrpt+json', substr( $tls, 0, 300 ), qr/no JSON/ ],
    [ 'a DMARC report', 'application/gzip', packed( 'gzip', $first ), qr/no JSON/ ],
    [ 'about strangers', 'application/tlsrpt+json', tls_report( 'r9', 'bank.test', 1 ), qr/none of our domains/ ],
);
for my $case (@bad) {
    my ( $name, $type, $bytes, $why, @more ) = @$case;
    my $outcome = post( $type, $bytes, @tls, @more );
    is( $outcome->{state}, 'held', "$name: held" ) or diag( explain($outcome) );
    like( $outcome->{detail}, $why, '… and why' );
}
my %later = tls_sums();
is_deeply( \%later, \%tls, 'nothing of it is in the journal' );
$gateway->stop;
$dns->stop;
done_testing();
