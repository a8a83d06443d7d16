#!/usr/bin/perl
# MTA-STS for mail that leaves (RFC 8461), with Debian's unbound, an HTTPS server for the policies and
# Postfix as the server that takes the mail. What a policy asks for is held to, and trace says what was
# missing; what can't be fetched changes nothing; what is kept outlives a restart, and ends.
use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP ();
use POSIX ();
use Test::More;
use lib 't/lib';
use Poterne::Certificates;
use Poterne::Dns;
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Https;
use Poterne::Postfix;
use Poterne::Process qw(command_output free_port wait_until clear_of_midnight);
use Poterne::Sink;
use Poterne::Tree qw(slurp);

my $missing = Poterne::Dns::missing() // Poterne::Certificates::missing() // Poterne::Https::missing();
plan skip_all => $missing                                if $missing;
plan skip_all => 'Postfix is not installed, or not root' if !Poterne::Postfix::there();

clear_of_midnight();
my $root = tempdir( 'poterne-sts-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $build = $ENV{POTERNE_BUILD} // 'build';
my $port  = free_port();

my @domains   = qw(good badcert unlisted clear testing second nowhere broken webpki off short star);
my $authority = Poterne::Certificates->new("$root/certificates");
my $good      = $authority->give( 'good', names => [ 'mx.good.example', 'mx2.second.example', 'mx.star.example' ] );
my $web_ca    = Poterne::Https::authority("$root/web-ca");
my $web       = Poterne::Https->new( folder => "$root/web", ca => $web_ca, names => [ map { "mta-sts.$_.example" } ( grep { $_ ne 'webpki' } @domains ), 'rest', 'asleep' ] );

sub policy {
    my ( $mode, $age, @mx ) = @_;
    return { type => 'text/plain; charset=us-ascii', body => join '', map { "$_\r\n" } 'version: STSv1', "mode: $mode", "max_age: $age", map { "mx: $_" } @mx };
}

sub publish {
    my (%policies) = @_;
    $web->answers( { map { ( "mta-sts.$_.example/.well-known/mta-sts.txt" => $policies{$_} ) } keys %policies } );
    return;
}
my %policies = (
    good     => policy( 'enforce', 86400, 'mx.good.example' ),
    star     => policy( 'enforce', 86400, '*.star.example' ),
    badcert  => policy( 'enforce', 86400, 'mx.badcert.example' ),
    unlisted => policy( 'enforce', 86400, 'mx.elsewhere.example' ),
    clear    => policy( 'enforce', 86400, 'mx.clear.example' ),
    testing  => policy( 'testing', 86400, 'mx.elsewhere.example' ),
    second   => policy( 'enforce', 86400, 'mx2.second.example' ),
    webpki   => policy( 'enforce', 86400, 'mx.elsewhere.example' ),
    broken   => { type => 'text/plain', body => "version: STSv1\r\nmode: enforce\r\n" },
    off      => policy( 'none',    86400 ),
    rest     => policy( 'enforce', 864000, 'mx.rest.example' ),
    asleep   => policy( 'enforce', 8640000, 'mx.asleep.example' ),
    short    => policy( 'enforce', 8,     'mx.short.example' ),
);
publish(%policies);
$web->start;

# 127.0.0.6 is Postfix with TLS; 127.0.0.3 has none.
my %at = ( clear => '127.0.0.3' );
my @records = map {
    my $address = $at{$_} // '127.0.0.6';
    ( "$_.example. MX 10 mx.$_.example.", "mx.$_.example. A $address", "mta-sts.$_.example. A 127.0.0.1", qq(_mta-sts.$_.example. TXT "v=STSv1; id=1;") )
} @domains, 'rest', 'asleep';
my $dns = Poterne::Dns->new( folder => "$root/dns", records => [ @records, 'second.example. MX 20 mx2.second.example.', 'mx2.second.example. A 127.0.0.6' ] )->start;

my $ours    = Poterne::Sink->start( root => "$root/ours" );
my $clear   = Poterne::Sink->start( root => "$root/clear", host => '127.0.0.3', port => $port, smtp => 1 );
my $postfix = Poterne::Postfix->start( root => "$root/postfix", host => '127.0.0.6', port => $port, sink => $ours->{port}, protocol => 'lmtp',
    domain => 'example', recipients => [ map { ( "x\@$_.example", "y\@$_.example" ) } @domains ],
    more   => "parent_domain_matches_subdomains = relay_domains\ntransport_maps = inline:{ {*=lmtp:[127.0.0.1]:$ours->{port}} }\n"
      . "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = $good->{certificate}\nsmtpd_tls_key_file = $good->{key}" );

sub sts_gateway {
    my (%outside) = @_;
    return Poterne::Gateway->new(
        root     => "$root/gateway",
        domains  => { 'ours.example' => { next_hop => "lmtp://127.0.0.1:$ours->{port}", recipients => ['jean@ours.example'] } },
        settings => {
            ''        => { hostname => 'mx.ours.example' },
            antivirus => { engines => '{ }' },
            reports   => { tls_send => 'yes', sender => 'jean@ours.example' },
            resolver  => $dns->settings,
            fetch     => { trusted => qq("$web_ca->{cert}"), port => $web->{port} },
            queue     => { free_space_min => '0', retry_first => '1s', retry_max => '2s', connect_timeout => '5s', reply_timeout => '5s' },
            outside   => { never_to => '{ }', port => $port, trusted => '"' . $authority->file . '"', %outside },
        },
    )->start;
}

sub put {
    my (@to) = @_;
    my ( $status, $id ) = command_output( "$build/t/delivery/put", "$root/gateway/state", 'sender@ours.example', 'a test', @to );
    die "put: $id" if $status;
    return $id =~ s/\s+\z//r;
}

sub outcome {
    my ( $gateway, $id ) = @_;
    my ($message) = $gateway->poterne_json( 'trace', $id );
    return ( ( $message->{recipients} // [] )->[0]{outcomes} // [] )->[-1] // {};
}

# Why it waits while things are looked up is no outcome.
sub becomes {
    my ( $gateway, $id, $state ) = @_;
    wait_until( 40, sub { my $now = outcome( $gateway, $id ); ( $now->{state} // '' ) eq $state && ( $now->{detail} // '' ) !~ /^4\.4\.3 / } );
    return outcome( $gateway, $id );
}

sub waits_for {
    my ( $gateway, $id, $why, $what ) = @_;
    my $outcome = becomes( $gateway, $id, 'deferred' );
    is( $outcome->{state}, 'deferred', "$what: it waits" ) or diag explain $outcome;
    like( $outcome->{detail} // '', $why, '… and why' );
    return;
}

sub goes {
    my ( $gateway, $id, $relay, $what ) = @_;
    my $outcome = becomes( $gateway, $id, 'delivered' );
    is( $outcome->{state}, 'delivered', $what ) or diag explain $outcome;
    like( $outcome->{relay} // '', $relay, '… which the journal says' );
    return;
}


# What is told in reports of today's sessions (RFC 8460): the first policy of the domain.
sub told {
    my ( $gateway, $domain ) = @_;
    my ( $status, $text ) = $gateway->poterne( 'reports', 'tls', '--day', POSIX::strftime( '%Y-%m-%d', gmtime ), '--domain', "$domain.example" );
    return $status ? {} : JSON::PP::decode_json($text)->{policies}[0];
}

my $gateway = sts_gateway();
my %id = map { ( $_ => put("x\@$_.example") ) } @domains;
goes( $gateway, $id{good},    qr/, TLSv1\.3, MTA-STS verified\z/,                       'a valid certificate' );
goes( $gateway, $id{star},    qr/, TLSv1\.3, MTA-STS verified\z/,                       'a server that a star stands for' );
goes( $gateway, $id{second},  qr/^mx2\.second\.example .*MTA-STS verified\z/,           'past a server that the policy does not name' );
goes( $gateway, $id{testing}, qr/, TLSv1\.3\z/,                                         'a policy that is only tested' );
goes( $gateway, $id{off},     qr/, TLSv1\.3\z/,                                         'one that says that there is none' );
goes( $gateway, $id{nowhere}, qr/, TLSv1\.3\z/,                                         'one that is not where it should be' );
goes( $gateway, $id{broken},  qr/, TLSv1\.3\z/,                                         'one that is none' );
goes( $gateway, $id{webpki},  qr/, TLSv1\.3\z/,                                         'one of a server that is not who it should be' );
waits_for( $gateway, $id{badcert},  qr/^4\.7\.5 MTA-STS: its certificate is not valid: hostname mismatch/i, 'a certificate for another name' );
waits_for( $gateway, $id{short},    qr/^4\.7\.5 MTA-STS: its certificate is not valid/,                     'the same under a policy that ends soon' );
waits_for( $gateway, $id{clear},    qr/^4\.7\.5 MTA-STS: offers no STARTTLS/,                               'no TLS' );
waits_for( $gateway, $id{unlisted}, qr/^4\.7\.5 mx\.unlisted\.example is none of the servers/,              'a server that the policy does not name' );
is( scalar( $clear->messages('x@clear.example') ), 0, 'nothing was sent in clear' );
is( scalar( $ours->messages("x\@$_.example") ),    0, "nothing came through: $_" ) for qw(badcert short unlisted);
my ( undef, $text ) = $gateway->poterne( 'trace', $id{good} );
like( $text, qr/MTA-STS verified/, 'trace says what protected it' );
for my $case (
    [ 'badcert',  'sts', 'certificate-host-mismatch' ],
    [ 'clear',    'sts', 'starttls-not-supported' ],
    [ 'testing',  'sts', 'validation-failure' ],
    [ 'unlisted', 'sts', 'validation-failure' ],
    [ 'nowhere', 'no-policy-found', 'sts-policy-fetch-error', qr/HTTP status 404/ ],
    [ 'broken',  'no-policy-found', 'sts-policy-invalid',     qr/it lacks its version, mode or max_age/ ],
    [ 'webpki',  'no-policy-found', 'sts-webpki-invalid',     qr/certificate/ ],
    )
{
    my ( $name, $type, $result, $why ) = @$case;
    my $told = told( $gateway, $name );
    is( $told->{policy}{'policy-type'}, $type, "reports tell of $name: under which policy" ) or diag explain $told;
    is( $told->{'failure-details'}[0]{'result-type'}, $result, '… what failed' );
    is( $told->{'failure-details'}[0]{'receiving-mx-hostname'}, "mx.$name.example", '… where' );
    like( $told->{'failure-details'}[0]{'failure-reason-code'}, $why, '… and why' ) if $why;
}
is( told( $gateway, 'good' )->{policy}{'mx-host'}[0], 'mx.good.example', '… and what the policy named' );
ok( ( grep { $_->{host} =~ /^mta-sts\.good\.example/ } $web->requests ), 'the policy was fetched' );
is( ( grep { $_->{host} =~ /^mta-sts\.good\.example/ } $web->requests ), 1, '… once' );
is( $gateway->stop, 0, 'the gateway ends as it should' );

# --- what is kept ---

$web->stop;
$dns->records( grep { !/^_mta-sts\.badcert/ } @records );    # and whoever attacks hides that there is one
$dns->reload;
sleep 9;                                                     # the short one has ended
$gateway = sts_gateway();
my $again = put('y@badcert.example');
waits_for( $gateway, $again, qr/^4\.7\.5 MTA-STS/, 'after a restart, with nobody to ask: a policy that is kept' );
goes( $gateway, put('y@good.example'), qr/MTA-STS verified\z/, 'another one' );
goes( $gateway, $id{short}, qr/, TLSv1\.3\z/, 'one that has ended, and can\'t be fetched' );
is( $gateway->stop, 0, 'the gateway ends as it should' );

# --- a policy that changed ---

$web->{port} = free_port();
$policies{badcert} = policy( 'testing', 86400, 'mx.badcert.example' );
publish(%policies);
$web->start;
s/^(_mta-sts\.badcert.*)id=1/$1id=2/ for @records;
$dns->records(@records);
$dns->reload;
my $began = time;
for my $case ( [ 'rest', 2, 864000 ], [ 'asleep', 40, 8640000 ] ) {
    my ( $name, $days, $age ) = @$case;
    my $fetched = $began - $days * 86400;
    write_file( "$root/gateway/state/sts/$name.example", "poterne sts 1\n1\n$fetched\nversion: STSv1\nmode: enforce\nmax_age: $age\nmx: mx.$name.example\n" );
    chmod 0644, "$root/gateway/state/sts/$name.example";
}
$gateway = sts_gateway();
goes( $gateway, $again, qr/, TLSv1\.3\z/, 'another id: the new policy counts' );
ok( wait_until( 60, sub { grep { $_->{host} =~ /^mta-sts\.rest\./ } $web->requests } ), 'a kept one that grows old is fetched without mail' );
ok( wait_until( 20, sub { ( split /\n/, slurp("$root/gateway/state/sts/rest.example") )[2] >= $began } ), '… and kept' );
is( ( split /\n/, slurp("$root/gateway/state/sts/rest.example") )[3], $began - 2 * 86400, '… with when mail wanted it last' );
is( scalar( grep { $_->{host} =~ /^mta-sts\.asleep\./ } $web->requests ), 0, 'one that no mail has wanted for long is not' );
is( $gateway->stop, 0, 'the gateway ends as it should' );

# --- what the settings say ---

$gateway = sts_gateway( mta_sts => 'no' );
goes( $gateway, $id{unlisted}, qr/, TLSv1\.3\z/, 'mta_sts = no: policies do not count' );
is( $gateway->stop, 0, 'the gateway ends as it should' );

$web->stop;
$_->stop for $postfix, $ours, $clear, $dns;
done_testing();
