#!/usr/bin/perl
# Aggregate reports about a day, to the domains that ask for them: what was seen over SMTP comes out of the journal
# as a report that its schema takes, goes once to who wants it and to nobody else. Real unbound; xmllint and Python
# read what is sent.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Uncompress::Gunzip qw(gunzip);
use IPC::Open2 qw(open2);
use JSON::PP ();
use POSIX qw(strftime);
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Https;
use Poterne::Mail qw(letter);
use Poterne::Process qw(command_answer wait_until clear_of_midnight);
use Poterne::Sink;

my $python = '/usr/bin/python3';
plan skip_all => $_ for grep { defined } Poterne::Dns::missing(), Poterne::Https::missing();
plan skip_all => 'python3, xmllint or sqlite3 is not installed' if grep { !-x } $python, '/usr/bin/xmllint', '/usr/bin/sqlite3';

clear_of_midnight();
my $root = tempdir( 'poterne-tally-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $sink = Poterne::Sink->start( root => "$root/sink", smtp => 1 );

# name => what its DMARC record says of reports
my %asks = (
    good     => 'mailto:dmarc@good.example',
    agreed   => 'mailto:agreed@collector.example',
    moved    => 'mailto:moved@collector.example',
    victim   => 'mailto:postmaster@innocent.example',
    small    => 'mailto:dmarc@small.example!1',
    sneaky   => 'mailto:sneaky@turned.example',
    dark     => 'mailto:dmarc@dark-collector.example',
    nobody   => undef,
    refused  => 'mailto:never@refused.example',
    twice    => 'mailto:dmarc@twice.example,mailto:DMARC@Twice.example',
);
my @names   = sort keys %asks;
my @records = (
    ( map { qq($_.example. TXT "v=spf1 ip4:127.0.0.1 -all") } @names ),
    (   map { qq(_dmarc.$_.example. TXT "v=DMARC1; p=quarantine; sp=none; fo=1:d) . ( $asks{$_} ? qq(; rua=$asks{$_}") : '"' ) } @names
    ),
    'agreed.example._report._dmarc.collector.example. TXT "v=DMARC1"',
    'moved.example._report._dmarc.collector.example. TXT "v=DMARC1; rua=mailto:elsewhere@collector.example"',
    'sneaky.example._report._dmarc.turned.example. TXT "v=DMARC1; rua=mailto:postmaster@innocent.example"',
    '_smtp._tls.secure.example. TXT "v=TLSRPTv1; rua=mailto:tls@secure.example"',
    '_smtp._tls.two.example. TXT "v=TLSRPTv1; rua=mailto:tls@two.example"',
    '_smtp._tls.two.example. TXT "v=TLSRPTv1; rua=mailto:other@two.example"',
    '_smtp._tls.web.example. TXT "v=TLSRPTv1; rua=https://reports.web.example/v1/tls?of=web,mailto:tls@web.example"',
    '_smtp._tls.busy.example. TXT "v=TLSRPTv1; rua=https://reports.web.example/busy"',
    '_smtp._tls.inward.example. TXT "v=TLSRPTv1; rua=https://127.0.0.1/admin,https://reports.web.example:22/"',
    'reports.web.example. A 127.0.0.1',
);
my $dns = Poterne::Dns->new( folder => "$root/dns", records => \@records, silent => ['dark-collector.example'] )->start;

my $ca  = Poterne::Https::authority("$root/ca");
my $web = Poterne::Https->new( folder => "$root/web", ca => $ca, names => ['reports.web.example'] );
$web->answers( { '/v1/tls' => { status => 201, body => 'thanks' }, '/busy' => { status => 503, body => 'later' } } );
$web->start;

my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        fetch    => { trusted => qq("$ca->{cert}"), port => $web->{port} },
        outside  => { next_hop => qq("smtp://127.0.0.1:$sink->{port}"), never_to => '{ }' },
        queue    => { retry_first => '1s', retry_max => '2s' },
        reports  => {
            dmarc_send => 'yes', tls_send => 'yes', sender => 'reports@univ.example', organization => qq("Univ & <Sons>") },
        resolver => $dns->settings,
    },
    domains => {
        'univ.example' => {
            next_hop   => Poterne::Gateway::maildir_hop("$root/gateway"),
            recipients => ['jean@univ.example'],
            dmarc      => 'quarantine',
        }
    }
);
$gateway->start;
my ( $status, $said ) = $gateway->poterne( 'dkim', 'keygen', 'univ.example', '--selector', 'first' );
is( $status, 0, 'a key' ) or diag($said);
$gateway->{domains}{'univ.example'}{more} = 'dkim = { first }';
$gateway->write_conf;
ok( $gateway->reload, 'signs' );

# --- a day of mail ---

sub send_from {
    my ( $domain, %option ) = @_;
    my $author = $option{author} // "claire\@$domain";
    my $letter = letter('jean@univ.example') =~ s/^From: .*/From: Claire <$author>/r;
    my $smtp   = $gateway->smtp( local => $option{from} // '127.0.0.1' );
    my $result = $smtp->send( from => $option{null} ? '' : "claire\@$domain", to => ['jean@univ.example'], data => \$letter );
    $smtp->quit;
    return $result->{code};
}

my $today = strftime( '%Y-%m-%d', gmtime );
my $yesterday = strftime( '%Y-%m-%d', gmtime( time - 86400 ) );
for my $name (@names) {
    is( send_from("$name.example"), 250, "mail of $name" );
}
is( send_from('good.example'), 250, 'one more of good' ) for 1 .. 2;
is( send_from( 'good.example', from => '127.0.0.2' ), 250, 'and a forged one, that is held' );
is( send_from( 'agreed.example', author => 'claire@news.good.example' ), 250, 'a stranger as a subdomain, which may (sp=none)' );

sub rows_of {
    my ( $kind, $day ) = @_;
    return map { ( $_->{domain} => $_ ) } $gateway->poterne_json( 'reports', $kind, '--day', $day );
}

my %rows;
wait_until( 20, sub { %rows = rows_of( 'dmarc', $today ); ( $rows{'good.example'}{messages} // 0 ) == 5 && keys %rows == $#names } );
is( $rows{'good.example'}{messages}, 5, 'five say to be from good.example' );
is( $rows{'agreed.example'}{messages}, 1, 'one from agreed.example' );
is( $rows{'nobody.example'}, undef, 'of who asks for no report nothing is counted' );
is( $rows{'good.example'}{report}, 'not sent', 'the day is not over' );
( $status, $said ) = $gateway->poterne( 'reports', 'dmarc', '--send', '--day', $today );
is( $status, 2, 'nor is it sent' );
like( $said, qr/that day is not over/, '… for that reason' );
( $status, $said ) = $gateway->poterne( 'reports', 'dmarc', '--day', '2026-02-31' );
is( $status, 2, 'there is no such day' );
is( ( $gateway->poterne( 'reports', 'tls', '--day', $today ) )[0], 1, 'nothing was seen of TLS' );

# --- the day is over: it becomes yesterday ---

my $journal = "$root/gateway/state/journal/journal.sqlite";

sub sql {
    my ($text) = @_;
    my ( $code, $out ) = command_answer( '/usr/bin/sqlite3', '-cmd', '.timeout 10000', $journal, $text );
    is( $code, 0, 'sqlite3' ) or diag($out);
    return;
}
my $day = int( time / 86400 ) - 1;
sql('UPDATE dmarc_seen SET day = day - 1; UPDATE room SET day = day - 1');
for my $domain ( map {"$_.example"} qw(secure two silent web busy inward) ) {
    sql(      "INSERT INTO tls_seen VALUES ($day, '$domain', 'sts', 'version: STSv1' || char(10) || 'mode: enforce', '*.$domain',"
            . " '', '', '', '', '', '', 7, 1), ($day, '$domain', 'sts', 'version: STSv1' || char(10) || 'mode: enforce',"
            . " '*.$domain', '192.0.2.1', '2001:db8::9', 'mx.$domain', 'mx', 'certificate-expired', 'it <\"is\"> old', 2, 1),"
            . " ($day, '$domain', 'no-policy-found', '', '', '', '', '', '', '', '', 1, 1)" );
}

sub valid {
    my ( $xml, $name ) = @_;
    write_file( "$root/report.xml", $xml );
    my ( $code, $out ) =
        command_answer( '/usr/bin/xmllint', '--nonet', '--noout', '--schema', 't/system/dmarc_report.xsd', "$root/report.xml" );
    return is( $code, 0, "$name is valid" ) || diag( $out, $xml );
}

my ( undef, $xml ) = command_answer( $gateway->{build} . '/poterne', 'reports', '--config', $gateway->{conf}, 'dmarc', '--domain', 'good.example' );
valid( $xml, 'what would be sent' );
like( $xml, qr{<domain>good\.example</domain>\s*<p>quarantine</p>\s*<sp>none</sp>\s*<adkim>r</adkim>}, 'with the policy' );
like( $xml, qr{<fo>1:d</fo>\s*<testing>n</testing>}, '… all of it' );
like( $xml, qr{<source_ip>127\.0\.0\.1</source_ip>\s*<count>3</count>\s*<policy_evaluated>\s*<disposition>pass</disposition>\s*<dkim>fail</dkim>\s*<spf>pass</spf>\s*</policy_evaluated>},
    'what passed' );
like( $xml, qr{<source_ip>127\.0\.0\.2</source_ip>\s*<count>1</count>\s*<policy_evaluated>\s*<disposition>quarantine</disposition>\s*<dkim>fail</dkim>\s*<spf>fail</spf>\s*</policy_evaluated>},
    'what was held' );
like( $xml, qr{<disposition>none</disposition>.{1,200}<reason>\s*<type>other|<header_from>news\.good\.example</header_from>}s, 'the subdomain has its record' );
like( $xml, qr{<org_name>Univ &amp; &lt;Sons&gt;</org_name>}, 'the name, escaped' );

# --- sent ---

( $status, $said ) = $gateway->poterne( 'reports', 'dmarc', '--send', '--day', $yesterday );
is( $status, 0, 'is sent now' ) or diag($said);
# … and asked for again while it is being sent: what waits for the silent DNS lets that take its time
is( ( $gateway->poterne( 'reports', $_, '--send', '--day', $yesterday ) )[0], 0, "… $_ once more meanwhile" ) for qw(tls dmarc);
my ( %dmarc, %tls );
wait_until( 150, sub {
    %dmarc = rows_of( 'dmarc', $yesterday );
    %tls = rows_of( 'tls', $yesterday );
    return 0 if grep { $_->{report} =~ /^(?:not sent|begun)$/ && $_->{domain} ne 'dark.example' } values %dmarc, values %tls;
    return 0 if grep { $_->{detail} =~ /not tried yet/ } values %tls;
    return 1 if $tls{'web.example'}{report} eq 'sent' && $tls{'busy.example'}{detail} =~ /HTTP/;
    $gateway->poterne( 'reports', 'tls', '--send', '--day', $yesterday );    # the machine was too slow
    sleep 2;
    return 0;
} );
is( $dmarc{"$_.example"}{report}, 'sent', "$_: sent" ) for qw(good agreed moved refused twice);
is( $dmarc{"$_.example"}{report}, 'unwanted', "$_: not" ) for qw(victim small sneaky);
is( $dmarc{'dark.example'}{report}, 'not sent', 'dark: whether it is wanted the DNS does not say now; later' );
like( $dmarc{'victim.example'}{detail}, qr/innocent\.example has not said that it wants reports/, 'nobody who did not ask' );
like( $dmarc{'sneaky.example'}{detail}, qr/turned\.example has not said/, '… nor is a confirmation turned on another' );
like( $dmarc{'small.example'}{detail}, qr/bytes, it takes 1/, 'nothing that is too large' );
is( $tls{'secure.example'}{report}, 'sent', 'TLS: sent' );
is( $tls{"$_.example"}{report}, 'unwanted', "TLS: $_: not" ) for qw(two silent);
like( $tls{'two.example'}{detail}, qr/several records/, 'two records are none' );

$gateway->wait_for_empty_queue or diag('the queue is not empty');
is( scalar $sink->messages($_), 1, "$_ has one" )
    for qw(dmarc@good.example agreed@collector.example elsewhere@collector.example tls@secure.example);
is( scalar $sink->messages($_), 0, "$_ has none" )
    for qw(moved@collector.example postmaster@innocent.example dmarc@small.example sneaky@turned.example tls@two.example other@two.example dmarc@dark-collector.example);

is( scalar( map { $sink->messages($_) } qw(dmarc@twice.example DMARC@twice.example DMARC@Twice.example) ),
    1, 'who is named twice has one' );

my ($refused) = ( $dmarc{'refused.example'}{detail} // '' ) =~ /^(\w{26}) to never\@refused\.example/;
my ($trace) = $gateway->poterne_json( 'trace', $refused // '-' );
is( $trace->{recipients}[0]{outcomes}[-1]{state}, 'failed', 'what nobody takes is not held' ) or diag( explain($trace) );

sub parsed {
    my ($address) = @_;
    my ($message) = $sink->messages($address);
    my $pid = open2( my $out, my $in, $python, 't/system/tally.py' );
    binmode $_ for $in, $out;
    print {$in} $message // '';
    close $in;
    my $json = do { local $/; <$out> };
    waitpid $pid, 0;
    return ( eval { JSON::PP->new->decode($json) } // {}, $message // '' );
}

my $from = $day * 86400;
my $to   = $from + 86399;
my ( $mail, $raw ) = parsed('dmarc@good.example');
is( $mail->{report} =~ s/\s+\z//r, $xml =~ s/\s+\z//r, 'what was shown is what is sent' );
valid( $mail->{report}, 'what came' );
is_deeply( $mail->{defects}, [], 'Python finds no defect' );
is_deeply( $mail->{types}, [qw(text/plain application/gzip)], 'words and a gzip file' );
is( $mail->{filename}, "univ.example!good.example!$from!$to.xml.gz", 'its name (RFC 9990 3.5.2)' );
my $id = $yesterday =~ tr/-//dr . '.good.example.dmarc@mx.poterne.example';
is( $mail->{header}{subject}, "Report Domain: good.example Submitter: univ.example Report-ID: <$id>", 'its Subject' );
like( $mail->{report}, qr{<report_id>\Q$id\E</report_id>}, 'the same id in it' );
like( $mail->{header}{from}, qr/<reports\@univ\.example>/, 'from the sender of the settings' );
is( $mail->{header}{'auto-submitted'}, 'auto-generated', 'nobody\'s program answers it' );
like( $raw, qr/^DKIM-Signature: .*?d=univ\.example/ms, 'it is signed' );

( $mail, $raw ) = parsed('tls@secure.example');
is_deeply( $mail->{wrong}, [], 'the TLS report is one of RFC 8460 4.4' ) or diag( explain($mail) );
is( $mail->{type}, 'multipart/report', 'a report' );
is( $mail->{report_type}, 'tlsrpt', '… about TLS' );
is_deeply( $mail->{types}, [qw(text/plain application/tlsrpt+gzip)], '… of the type of RFC 8460 5.3' );
is( $mail->{filename}, "univ.example!secure.example!$from!$to.json.gz", 'its name (5.1)' );
is( $mail->{header}{'tls-report-domain'}, 'secure.example', 'TLS-Report-Domain' );
is( $mail->{header}{'tls-report-submitter'}, 'univ.example', 'TLS-Report-Submitter' );
is( $mail->{header}{'tls-required'}, 'No', 'it comes also where TLS fails' );
like( $raw, qr/^DKIM-Signature: .*?d=univ\.example/ms, 'it is signed' );
my $tls = eval { JSON::PP->new->decode( $mail->{report} ) } // {};
is( scalar @{ $tls->{policies} // [] }, 2, 'two policies' );
my ($sts) = grep { $_->{policy}{'policy-type'} eq 'sts' } @{ $tls->{policies} // [] };
is_deeply( $sts->{policy}{'policy-string'}, [ 'version: STSv1', 'mode: enforce' ], 'the policy\'s lines' );
is_deeply( $sts->{policy}{'mx-host'}, ['*.secure.example'], 'its hosts' );
is( $sts->{summary}{'total-successful-session-count'}, 7, 'what succeeded' );
is( $sts->{'failure-details'}[0]{'result-type'}, 'certificate-expired', 'what failed' );
is( $sts->{'failure-details'}[0]{'failure-reason-code'}, 'it <"is"> old', '… and why' );

# --- over HTTPS ---

is( $tls{'web.example'}{report}, 'sent', 'over HTTPS and by mail: sent' ) or diag( explain( $tls{'web.example'} ) );
like( $tls{'web.example'}{detail}, qr{posted to https://reports\.web\.example/v1/tls\?of=web(?:;|\z)}, '… posted' );
like( $tls{'web.example'}{detail}, qr{\w{26} to tls\@web\.example(?:;|\z)}, '… and mailed' );
is( scalar $sink->messages('tls@web.example'), 1, '… one by mail' );
my @posted = grep { $_->{path} =~ m{^/v1} } $web->requests;
is( scalar @posted, 1, '… one over HTTPS' );
is( $posted[0]{method}, 'POST', '… posted' );
is( $posted[0]{path}, '/v1/tls?of=web', '… to where the record says' );
is( $posted[0]{headers}{'content-type'}, 'application/tlsrpt+gzip', '… with its type (RFC 8460 5.4)' );
gunzip( \$posted[0]{body}, \my $json );
my ($mailed) = parsed('tls@web.example');
is( $json // '', $mailed->{report}, '… the same report' );
is( $tls{'busy.example'}{report}, 'waiting', 'a server that does not take it now: it waits' );
like( $tls{'busy.example'}{detail}, qr/HTTP status 503/, '… and why' );
is( $tls{'inward.example'}{report}, 'given-up', 'our own networks and other ports are not gone to' ) or diag( explain( $tls{'inward.example'} ) );
$web->answers( { '/busy' => { status => 204 } } );
$gateway->signal_role( TERM => 'reports' );    # and what it remembers
ok( wait_until( 60, sub { $gateway->poterne( 'reports', 'tls', '--send', '--day', $yesterday ); sleep 2; my %r = rows_of( 'tls', $yesterday ); ( $r{'busy.example'}{report} // '' ) eq 'sent' } ),
    'it takes it: sent' );
my @busy = grep { $_->{path} eq '/busy' } $web->requests;
cmp_ok( scalar @busy, '>=', 2, '… by another try' );
is( scalar( () = grep { $_->{path} =~ m{^/v1} } $web->requests ), 1, '… and nobody else has it twice' );

# --- once ---

$gateway->poterne( 'reports', 'tls', '--send', '--day', $yesterday );
$gateway->stop;
$gateway->start;
$gateway->poterne( 'reports', 'dmarc', '--send', '--day', $yesterday );
$dns->{silent} = [];
$dns->records( @records, 'dark.example._report._dmarc.dark-collector.example. TXT "v=DMARC1"' );
$dns->reload;
$gateway->signal_role( KILL => 'resolver' );    # and its memory
ok( wait_until( 30, sub { $gateway->poterne( 'reports', 'dmarc', '--send', '--day', $yesterday ); sleep 2; my %r = rows_of( 'dmarc', $yesterday ); ( $r{'dark.example'}{report} // '' ) eq 'sent' } ),
    'the DNS is back: the one that was put off is sent' );
$gateway->wait_for_empty_queue or diag('the queue is not empty');
is( scalar $sink->messages($_), 1, "$_ has still one" )
    for qw(dmarc@good.example agreed@collector.example elsewhere@collector.example tls@secure.example dmarc@dark-collector.example);

is( scalar( () = grep { $_->{path} eq '/busy' } $web->requests ), scalar @busy, 'nor is it posted again' );
$gateway->stop;
$web->stop;
done_testing();
