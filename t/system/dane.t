#!/usr/bin/perl
# DANE for mail that leaves (RFC 7672): a signed root of our own, and Postfix as the server that takes
# the mail over TLS. The right key delivers; a wrong one, none at all, and records that nobody can
# prove do not, and trace says why; what has no proof counts as if it were not there.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Test::More;
use lib 't/lib';
use Poterne::Certificates;
use Poterne::DnsTree;
use Poterne::Gateway;
use Poterne::Postfix;
use Poterne::Process qw(command_output wait_until clear_of_midnight);
use Poterne::Sink;

my $missing = Poterne::DnsTree::enter() // Poterne::Certificates::missing();
plan skip_all => $missing                              if $missing;
plan skip_all => 'Postfix is not installed, or not root' if !Poterne::Postfix::there();

use constant { PORT => 2525, WRONG => 'ab' x 32 };

clear_of_midnight();
my $root = tempdir( 'poterne-dane-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $build = $ENV{POTERNE_BUILD} // 'build';

my $authority = Poterne::Certificates->new("$root/certificates");
my $good      = $authority->give( 'good', names => ['mx.ta.example'] );
my $old       = $authority->give( 'old', names => ['other.example'], from => -20, days => 5 );
my $right     = Poterne::Certificates::tlsa( $good->{certificate}, 3, 1, 1 );
my $of_old    = Poterne::Certificates::tlsa( $old->{certificate},  3, 1, 1 );
my $above     = Poterne::Certificates::tlsa( $authority->file,     2, 0, 1 );

# 127.0.1.1 and 127.0.1.2 are Postfix with TLS, 127.0.1.3 has none, 127.0.1.4 offers REQUIRETLS.
my %zones = (
    '.'        => { address => '127.0.0.2', signed => 1 },
    'example.' => { address => '127.0.0.3', signed => 1 },
);

# A signed domain with one server, and what it says of its keys.
sub domain {
    my ( $name, $address, $tlsa, %more ) = @_;
    my $records = delete $more{records} // [];
    push @$records, "$name.example. 300 IN MX 10 mx.$name.example.", "mx.$name.example. 300 IN A $address";
    push @$records, map { '_' . PORT . "._tcp.mx.$name.example. 300 IN TLSA $_" } @$tlsa;
    $zones{"$name.example."} = { address => '127.0.0.4', signed => 1, records => $records, %more };
    return;
}
domain( 'right',    '127.0.1.1', [$right] );
domain( 'rolled',   '127.0.1.1', [ '3 1 1 ' . WRONG, $right ] );
domain( 'expired',  '127.0.1.2', [$of_old] );
domain( 'ta',       '127.0.1.1', [$above] );
domain( 'misnamed', '127.0.1.1', [$above] );
domain( 'wrong',    '127.0.1.1', [ '3 1 1 ' . WRONG ] );
domain( 'clear',    '127.0.1.3', ['3 1 1 ' . WRONG ] );
domain( 'unusable', '127.0.1.1', [ '1 1 1 ' . WRONG ] );
domain( 'unusable-clear', '127.0.1.3', [ '1 1 1 ' . WRONG ] );
domain( 'none',     '127.0.1.3', [] );
domain( 'plain',    '127.0.1.1', [ '3 1 1 ' . WRONG ], signed => 0 );
domain( 'forged',   '127.0.1.1', [ $right ], change => [ ( split / /, $right )[3], WRONG ] );
domain( 'two', '127.0.1.1', [ '3 1 1 ' . WRONG ],
    records => [ 'two.example. 300 IN MX 20 mx.right.example.' ] );
domain( 'strict', '127.0.1.4', [$right], records => [ 'strict.example. 300 IN MX 5 mx.right.example.' ] );
# the server's name is an alias: keys of what it leads to, else its own (RFC 7672 2.2.2)
$zones{"$_->[0].example."} = { address => '127.0.0.4', signed => 1, records => [ "$_->[0].example. 300 IN MX 10 mx.$_->[0].example.", "mx.$_->[0].example. 300 IN CNAME mx.$_->[1].example.",
        map { '_' . PORT . "._tcp.mx.$_->[0].example. 300 IN TLSA $_->[2]" } $_->[2] ? $_ : () ] }
  for [ 'alias', 'ta' ], [ 'alias-own', 'none-tls', $right ], [ 'alias-wrong', 'wrong', $right ];
domain( 'none-tls', '127.0.1.1', [] );
domain( 'lost', '127.0.1.1', [], records => ['_tcp.mx.lost.example. 300 IN NS ns.silent.example.'] );
$zones{'silent.example.'} = { address => '127.0.0.9', silent => 1 };

my $silent = IO::Socket::INET->new( LocalAddr => '127.0.0.9', LocalPort => 53, Proto => 'udp' ) or die "127.0.0.9: $!\n";
my $tree = Poterne::DnsTree->new( folder => "$root/dns", zones => \%zones )->start;

my $ours  = Poterne::Sink->start( root => "$root/ours" );
my $clear = Poterne::Sink->start( root => "$root/clear", host => '127.0.1.3', port => PORT, smtp => 1 );
my $strict = Poterne::Sink->start( root => "$root/strict", host => '127.0.1.4', port => PORT, smtp => 1, tls => $good, requiretls => 1 );
my @domains = map { s/\.\z//r } grep { /\w\.example/ } keys %zones;
sub postfix {
    my ( $name, $host, $certificate ) = @_;
    return Poterne::Postfix->start( root => "$root/$name", host => $host, port => PORT, sink => $ours->{port}, protocol => 'lmtp',
        domain => 'example', recipients => [ ( map { ( "x\@$_", "w\@$_", "r\@$_" ) } @domains ), 'x@named.example', 'x@named-wrong.example' ],
        more   => "parent_domain_matches_subdomains = relay_domains\ntransport_maps = inline:{ {*=lmtp:[127.0.0.1]:$ours->{port}} }\n"
          . "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = $certificate->{certificate}\nsmtpd_tls_key_file = $certificate->{key}\n"
          . 'smtpd_tls_received_header = yes' );
}
my @postfix = ( postfix( 'postfix', '127.0.1.1', $good ), postfix( 'postfix-old', '127.0.1.2', $old ) );

sub dane_gateway {
    my (%outside) = @_;
    my $lifetime = delete $outside{lifetime} // '5d';
    return Poterne::Gateway->new(
        root     => "$root/gateway",
        domains  => { 'ours.example' => { next_hop => "lmtp://127.0.0.1:$ours->{port}", recipients => ['jean@ours.example'] } },
        settings => {
            ''        => { hostname => 'mx.ours.example' },
            antivirus => { engines => '{ }' },
            reports   => { tls_send => 'yes', sender => 'jean@ours.example' },
            resolver  => { enabled => 'yes', root_hints => '"' . $tree->hints . '"', trust_anchor => '"' . $tree->anchor . '"' },
            queue     => { lifetime => $lifetime, free_space_min => '0', retry_first => '1s', retry_max => '2s', connect_timeout => '5s', reply_timeout => '5s' },
            outside   => { never_to => '{ }', port => PORT, trusted => '"' . $authority->file . '"', %outside },
        },
        # servers that the settings name
        sections => join '', map { "route $_->[0].example { next_hop = smtp://mx.$_->[1].example:" . PORT . " }\n" } [qw(named right)], [qw(named-wrong wrong)],
    )->start;
}

sub put {
    my (@to) = @_;
    my @asked = $to[0] =~ /^--/ ? shift @to : ();
    my ( $status, $id ) = command_output( "$build/t/delivery/put", @asked, "$root/gateway/state", 'sender@ours.example', 'a test', @to );
    die "put: $id" if $status;
    return $id =~ s/\s+\z//r;
}

sub outcome {
    my ( $gateway, $id ) = @_;
    my ($message) = $gateway->poterne_json( 'trace', $id );
    return ( ( $message->{recipients} // [] )->[0]{outcomes} // [] )->[-1] // {};
}

sub becomes {
    my ( $gateway, $id, $state ) = @_;
    wait_until( 40, sub { ( outcome( $gateway, $id )->{state} // '' ) eq $state } );
    return outcome( $gateway, $id );
}


# What is told in reports of today's sessions (RFC 8460): the first policy of the domain.
sub told {
    my ( $gateway, $domain ) = @_;
    my ( $status, $text ) = $gateway->poterne( 'reports', 'tls', '--day', POSIX::strftime( '%Y-%m-%d', gmtime ), '--domain', "$domain.example" );
    return $status ? {} : JSON::PP::decode_json($text)->{policies}[0];
}

my $gateway = dane_gateway();
my @go = (
    [ 'right',    qr/127\.0\.1\.1\].*, TLSv1\.3, DANE verified\z/, 'the right key' ],
    [ 'rolled',   qr/, TLSv1\.3, DANE verified\z/,                 'one of two keys' ],
    [ 'expired',  qr/127\.0\.1\.2\].*, TLSv1\.3, DANE verified\z/, 'the right key, whatever its certificate says' ],
    [ 'ta',       qr/, TLSv1\.3, DANE verified\z/,                 'the right authority and name' ],
    [ 'alias',     qr/^mx\.alias\.example .*, DANE verified\z/,     'a server whose name is an alias: the authority and name of what it leads to' ],
    [ 'alias-own', qr/^mx\.alias-own\.example .*, DANE verified\z/, '… which has no key, but the alias has' ],
    [ 'unusable', qr/, TLSv1\.3\z/,                                'no record is usable: encrypted, and that is all' ],
    [ 'plain',    qr/, TLSv1\.3\z/,                                'records without a proof are none' ],
    [ 'none',     qr/127\.0\.1\.3\]:2525\z/,                       'a proof that there are no records: in clear' ],
    [ 'named',    qr/^mx\.right\.example .*DANE verified\z/,       'a server that the settings name, with the right key' ],
    [ 'two',      qr/^mx\.right\.example .*DANE verified\z/,       'past a server with the wrong key' ],
);
my @stay = (
    [ 'wrong',          qr/^4\.7\.5 DANE: its certificate matches none of its TLSA records/, 'a wrong key' ],
    [ 'named-wrong',    qr/^4\.7\.5 DANE: its certificate matches none of its TLSA records/, 'a server that the settings name, with a wrong key' ],
    [ 'alias-wrong',    qr/^4\.7\.5 DANE: its certificate matches none of its TLSA records/, 'an alias: the wrong key of what it leads to goes before the right one' ],
    [ 'misnamed',       qr/^4\.7\.5 DANE: its certificate is not valid: hostname mismatch/i, 'the right authority, another name' ],
    [ 'clear',          qr/^4\.7\.5 DANE: offers no STARTTLS/,                               'a key, but no TLS' ],
    [ 'unusable-clear', qr/^4\.7\.5 DANE: offers no STARTTLS/,                               'no usable record, but no TLS either' ],
    [ 'forged',         qr/^4\.7\.5 .*TLSA/,                                                 'forged records' ],
    [ 'lost',           qr/^4\.7\.5 .*TLSA/,                                                 'nobody answers for the records' ],
);
# RFC 8689: what the sender asked for
my @waived = (
    [ 'wrong',  qr/127\.0\.1\.1\].*, TLSv1\.3\z/, 'TLS-Required: No, a wrong key: over TLS that proves nothing' ],
    [ 'clear',  qr/127\.0\.1\.3\]:2525\z/,        'TLS-Required: No, a key but no TLS: in clear' ],
    [ 'forged', qr/, TLSv1\.3\z/,                  'TLS-Required: No, forged records of a key' ],
    [ 'right',  qr/, TLSv1\.3\z/,                  'TLS-Required: No, a right key: TLS where it is offered' ],
);
my @required = (
    [ 'rolled', qr/^5\.7\.30 REQUIRETLS: the next hop does not promise it\z/,                'REQUIRETLS, the right key, no promise' ],
    [ 'plain', qr/^5\.7\.30 REQUIRETLS: its certificate is not valid: hostname mismatch/i,   'REQUIRETLS, nothing proves the server' ],
    [ 'none',  qr/^5\.7\.30 REQUIRETLS: offers no STARTTLS/,                                'REQUIRETLS, no TLS' ],
);
my %id = map { ( $_->[0] => put("x\@$_->[0].example") ) } @go, @stay;
my %waived = map { ( $_->[0] => put( '--waived', "w\@$_->[0].example" ) ) } @waived;
my %required = map { ( $_->[0] => put( '--requiretls', "r\@$_->[0].example" ) ) } @required, ['strict'];
for my $case (@go) {
    my ( $name, $relay, $what ) = @$case;
    my $outcome = becomes( $gateway, $id{$name}, 'delivered' );
    is( $outcome->{state}, 'delivered', $what ) or diag explain $outcome;
    like( $outcome->{relay} // '', $relay, '… which the journal says' );
}
for my $case (@stay) {
    my ( $name, $why, $what ) = @$case;
    my $outcome = becomes( $gateway, $id{$name}, 'deferred' );
    is( $outcome->{state}, 'deferred', "$what: it waits" ) or diag explain $outcome;
    wait_until( 40, sub { ( outcome( $gateway, $id{$name} )->{detail} // '' ) !~ /has not answered yet/ } );
    $outcome = outcome( $gateway, $id{$name} );
    like( $outcome->{detail} // '', $why, '… and why' );
}
for my $case (@waived) {
    my ( $name, $relay, $what ) = @$case;
    my $outcome = becomes( $gateway, $waived{$name}, 'delivered' );
    is( $outcome->{state}, 'delivered', $what ) or diag explain $outcome;
    like( $outcome->{relay} // '', $relay, '… which the journal says' );
}
for my $case (@required) {
    my ( $name, $why, $what ) = @$case;
    my $outcome = becomes( $gateway, $required{$name}, 'held' );
    is( $outcome->{state}, 'held', "$what: it comes back" ) or diag explain $outcome;
    like( ( $outcome->{detail} // '' ) =~ s/^undeliverable: //r, $why, '… and why' );
}
my $promised = becomes( $gateway, $required{strict}, 'delivered' );
like( $promised->{relay} // '', qr/^mx\.strict\.example .*DANE verified\z/, 'REQUIRETLS: past a server that does not promise it' ) or diag explain $promised;
is_deeply( [ $strict->mail_commands ], [ grep { / REQUIRETLS(?: |\z)/ } $strict->mail_commands ], '… to one that does, and is asked for it' );
is( scalar( $strict->messages('r@strict.example') ), 1, '… and has it' );
is( scalar( $ours->messages("r\@$_.example") ), 0, "nothing came through: REQUIRETLS, $_" ) for qw(rolled plain strict);
my ( undef, $text ) = $gateway->poterne( 'trace', $id{right} );
like( $text, qr/DANE verified/, 'trace says what protected it' );
sleep 3;    # some tries more
for my $case ( [ 'wrong', 'tlsa', 'validation-failure' ], [ 'clear', 'tlsa', 'starttls-not-supported' ], [ 'misnamed', 'tlsa', 'certificate-host-mismatch' ], [ 'none', 'no-policy-found', 'starttls-not-supported' ],
    [ 'unusable', 'tlsa', 'tlsa-invalid' ], [ 'forged', 'no-policy-found', 'dnssec-invalid' ], [ 'lost', 'no-policy-found', 'dnssec-invalid' ] ) {
    my ( $name, $type, $result ) = @$case;
    my $told = told( $gateway, $name );
    is( $told->{policy}{'policy-type'}, $type, "reports tell of $name: under which policy" ) or diag explain $told;
    is( $told->{'failure-details'}[0]{'result-type'}, $result, '… what failed' );
}
is( told( $gateway, 'wrong' )->{policy}{'policy-string'}[0], '3 1 1 ' . WRONG, '… the record' );
is( told( $gateway, 'unusable' )->{policy}{'policy-string'}[0], '1 1 1 ' . WRONG, '… one that is of no use' );
is( told( $gateway, 'lost' )->{'failure-details'}[0]{'receiving-mx-hostname'}, 'mx.lost.example', '… whom nobody went to' );
is( told( $gateway, 'right' )->{summary}{'total-successful-session-count'}, 1, '… and what did not fail' );
is( scalar( $clear->messages("x\@$_.example") ), 0, "nothing was sent in clear: $_" ) for qw(clear unusable-clear);
wait_until( 20, sub { $ours->messages('x@right.example') } );
like( ( $ours->messages('x@right.example') )[0] // '', qr/using TLSv1\.3/, 'Postfix says TLS, too' );
is( scalar( $ours->messages("x\@$_.example") ), 0, "nothing came through: $_" ) for qw(wrong misnamed forged lost);
is( $gateway->stop, 0, 'the gateway ends as it should' );

$gateway = dane_gateway( lifetime => '1s' );
my $held = becomes( $gateway, $id{wrong}, 'held' );
like( $held->{detail} // '', qr/not delivered within .*4\.7\.5 DANE: /, 'in the end it is held, and why' );
is( $gateway->stop, 0, 'the gateway ends as it should' );

# --- what the settings ask for ---

$gateway = dane_gateway( dane => 'no' );
is( becomes( $gateway, put('x@misnamed.example'), 'delivered' )->{state}, 'delivered', 'dane = no: TLSA records are not asked for' );
is( $gateway->stop, 0, 'the gateway ends as it should' );

$gateway = dane_gateway( tls => 'verify' );
my %verify = map { ( $_ => put("x\@$_.example") ) } qw(ta plain none right);
my $outcome = becomes( $gateway, $verify{ta}, 'delivered' );
like( $outcome->{relay} // '', qr/DANE verified/, 'tls = verify: DANE is a proof' );
is( becomes( $gateway, $verify{right}, 'delivered' )->{state}, 'delivered', '… whatever the name' );
$outcome = becomes( $gateway, $verify{plain}, 'deferred' );
like( $outcome->{detail} // '', qr/^4\.7\.5 .*tls = verify.*hostname mismatch/i, 'a certificate for another name: it waits' );
$outcome = becomes( $gateway, $verify{none}, 'deferred' );
like( $outcome->{detail} // '', qr/^4\.7\.5 .*offers no STARTTLS/, 'no TLS: it waits' );
is( $gateway->stop, 0, 'the gateway ends as it should' );

$_->stop for @postfix, $ours, $clear, $strict, $tree;
done_testing();
