#!/usr/bin/perl
# All mail for other domains to one server, which is Postfix that asks Dovecot for passwords: who it is
# is checked, we log in over TLS and nowhere else, come from the address and say the name that are set.
# By MX from a source address, over IPv4 and IPv6. To a server by its name; single domains on routes of
# their own; and next hops of our own domains, over TLS and with a login.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Socket ();
use Test::More;
use lib 't/lib';
use Poterne::Certificates;
use Poterne::Dns;
use Poterne::Dovecot;
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Postfix;
use Poterne::Process qw(command_output free_port wait_until);
use Poterne::Sink;

my $missing = Poterne::Dns::missing() // Poterne::Certificates::missing();
plan skip_all => $missing                                if $missing;
plan skip_all => 'Dovecot is not installed'              if !Poterne::Dovecot::there();
plan skip_all => 'Postfix is not installed, or not root' if !Poterne::Postfix::there();

my $root = tempdir( 'poterne-smarthost-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $build = $ENV{POTERNE_BUILD} // 'build';

my $authority   = Poterne::Certificates->new("$root/certificates");
my $certificate = $authority->give( 'out', names => ['out.provider.example'] );
write_file( "$root/password", "secret\n" );
write_file( "$root/wrong",    "guess\n" );
my $ours = Poterne::Sink->start( root => "$root/ours" );

sub provider {
    my ( $name, $mechanisms, %more ) = @_;
    my $auth    = free_port();
    my $dovecot = Poterne::Dovecot->start( "$root/dovecot-$name", auth => $auth, mechanisms => $mechanisms );
    my $tls     = $more{tls} // 'encrypt';
    my $postfix = Poterne::Postfix->start( root => "$root/postfix-$name", sink => $ours->{port}, protocol => 'lmtp', domain => 'else.example',
        recipients => [ 'h@provided.example', map { "$_\@else.example" } 'a' .. 'z' ],
        more       => "smtpd_tls_security_level = $tls\nsmtpd_tls_cert_file = $certificate->{certificate}\nsmtpd_tls_key_file = $certificate->{key}\n"
          . "smtpd_tls_received_header = yes\nsmtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:127.0.0.1:$auth\n"
          . "transport_maps = inline:{ {*=lmtp:[127.0.0.1]:$ours->{port}} }\nsmtpd_sasl_authenticated_header = yes\nsmtpd_recipient_restrictions = permit_sasl_authenticated, reject" );
    return { postfix => $postfix, dovecot => $dovecot };
}
my %provider = ( plain => provider( 'plain', 'plain login' ), login => provider( 'login', 'login' ), clear => provider( 'clear', 'plain login', tls => 'none' ) );

sub smarthost_gateway {
    my ( $provider, %outside ) = @_;
    my $resolver = delete $outside{resolver};
    my $domains  = delete $outside{domains}  // {};
    my $sections = delete $outside{sections} // '';
    return Poterne::Gateway->new(
        root     => "$root/gateway",
        domains  => { 'ours.example' => { next_hop => "lmtp://127.0.0.1:$ours->{port}", recipients => ['jean@ours.example'] }, %$domains },
        sections => $sections,
        settings => {
            ''        => { hostname => 'mx.ours.example' },
            antivirus => { engines => '{ }' },
            queue     => { free_space_min => '0', retry_first => '1s', retry_max => '2s', connect_timeout => '5s', reply_timeout => '5s' },
            outside   => {
                ( $provider ? ( next_hop => "smtp://127.0.0.1:$provider->{postfix}{port}" ) : () ),
                trusted => '"' . $authority->file . '"',
                %outside
            },
            ( $resolver ? ( resolver => $resolver ) : () ),
        },
    );
}
my %login = ( login => '"gateway@provider.example"', password_file => qq("$root/password"), tls => 'verify', tls_name => 'out.provider.example' );

sub put {
    my ($to) = @_;
    my ( $status, $id ) = command_output( "$build/t/delivery/put", "$root/gateway/state", 'sender@ours.example', 'a test', $to );
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
    wait_until( 40, sub { my $now = outcome( $gateway, $id ); ( $now->{state} // '' ) eq $state && ( $now->{detail} // '' ) !~ /^4\.4\.[13] / } );
    return outcome( $gateway, $id );
}

# One message through a gateway with these settings.
sub through {
    my ( $provider, $to, $state, $pattern, $what, %outside ) = @_;
    my $gateway = smarthost_gateway( $provider, %outside )->start;
    my $outcome = becomes( $gateway, put($to), $state );
    is( $outcome->{state}, $state, $what ) or diag explain $outcome;
    like( $state eq 'delivered' ? $outcome->{relay} // '' : $outcome->{detail} // '', $pattern, '… as the journal says' );
    is( $gateway->stop, 0, '… and the gateway ends as it should' );
    wait_until( 20, sub { $ours->messages($to) } ) if $state eq 'delivered';
    return ( $ours->messages($to) )[0] // '';
}

my $got = through( $provider{plain}, 'a@else.example', 'delivered', qr/, TLSv1\.3, certificate verified\z/, 'PLAIN, to a server that was checked',
    %login, source => '{ 127.0.0.7 }', helo => 'out.ours.example' );
like( $got, qr/Authenticated sender: gateway\@provider\.example/, 'Postfix says who logged in' );
like( $got, qr/^Received: from out\.ours\.example \(unknown \[127\.0\.0\.7\]\)/m, '… from where, and the name that was said' );
$got = through( $provider{login}, 'b@else.example', 'delivered', qr/, TLSv1\.3, certificate verified\z/, 'LOGIN, where that alone is offered', %login );
like( $got, qr/Authenticated sender: gateway\@provider\.example/, 'Postfix says who logged in' );
through( $provider{plain}, 'c@else.example', 'deferred', qr/answered our login with 535 /, 'a wrong password: it waits', %login, password_file => qq("$root/wrong") );
through( $provider{plain}, 'd@else.example', 'deferred', qr/^4\.7\.5 .*hostname mismatch/i, 'a server with another name: it waits', %login, tls_name => 'other.example' );
through( $provider{clear}, 'e@else.example', 'deferred', qr/offers no STARTTLS/, 'no TLS: it waits', %login );
through( $provider{clear}, 'f@else.example', 'deferred', qr/^4\.7\.5 we log in over TLS only, where the certificate is right: offers no STARTTLS/, '… whatever else may go in clear', %login, tls => 'may' );
through( $provider{plain}, 'g@else.example', 'deferred', qr/^4\.7\.5 .*certificate/, 'an authority that is not trusted: it waits', %login, trusted => '""' );
is( scalar( $ours->messages("$_\@else.example") ), 0, "nothing came through: $_" ) for 'c' .. 'g';


# --- settings that do not go together ---

for my $case (
    [ { tls => 'verify' },                                     qr/tls verify without tls_name/ ],
    [ { login => '"x"' },                                      qr/login and password_file go together/ ],
    [ { map( { $_ => $login{$_} } qw(login password_file tls) ), tls => 'may' }, qr/login without tls_name/ ],
    [ { %login, tls => 'none' },                               qr/with tls none/ ],
) {
    my ( $outside, $why ) = @$case;
    my ( $status, $text ) = smarthost_gateway( $provider{plain}, %$outside )->poterne( 'config', 'check' );
    like( $text, $why, 'settings that do not go together are a mistake: ' . join ' ', sort keys %$outside );
}

# --- by MX from a source address ---

my $port = free_port();
my $try;
my $six = socket( $try, Socket::AF_INET6(), Socket::SOCK_STREAM(), 0 ) && bind $try, Socket::pack_sockaddr_in6( 0, Socket::inet_pton( Socket::AF_INET6(), '::1' ) );
my $dns  = Poterne::Dns->new( folder => "$root/dns", records => [ 'four.example. MX 10 mx.four.example.', 'mx.four.example. A 127.0.0.2', 'out.provider.example. A 127.0.0.1', 'six.example. MX 10 mx.six.example.', 'mx.six.example. AAAA ::1' ] )->start;
my $mx   = Poterne::Postfix->start( root => "$root/postfix-mx", host => '127.0.0.2', port => $port, sink => $ours->{port}, protocol => 'lmtp', domain => 'example',
    recipients => [ map { "x\@$_.example" } qw(four six a.four nobody) ], also => $six ? "[::1]:$port inet n - n - - smtpd" : '',
    more       => "inet_protocols = all\nparent_domain_matches_subdomains = relay_domains\ntransport_maps = inline:{ {*=lmtp:[127.0.0.1]:$ours->{port}} }" );
my %by_mx = ( never_to => '{ }', port => $port, source => '{ 127.0.0.8, ::1 }', resolver => $dns->settings );
$got = through( undef, 'x@four.example', 'delivered', qr/^mx\.four\.example \[127\.0\.0\.2\]/, 'by MX', %by_mx );
like( $got, qr/\[127\.0\.0\.8\]/, '… from the address that is set' );
SKIP: {
    skip 'no IPv6 here', 4 if !$six;
    $got = through( undef, 'x@six.example', 'delivered', qr/^mx\.six\.example \[::1\]/, 'by MX over IPv6', %by_mx );
    like( $got, qr/\[IPv6:::1\]/, '… from the address that is set' );
}

# --- by name, on routes of their own, and to our own next hops ---

my $provider = "smtp://out.provider.example:$provider{plain}{postfix}{port}";
my %tls      = ( certificate => $certificate->{certificate}, key => $certificate->{key} );
my %sink     = (
    may    => Poterne::Sink->start( root => "$root/may",    smtp => 1, tls => \%tls, requiretls => 1 ),
    lmtp   => Poterne::Sink->start( root => "$root/lmtp",   tls => \%tls ),
    broken => Poterne::Sink->start( root => "$root/broken", smtp => 1, broken_tls => 1 ),
);
my $in      = qq(tls = verify; tls_name = out.provider.example; login = "gateway"; password_file = "$root/password");
my %domains = (
    'may.example'    => { next_hop => "smtp://127.0.0.1:$sink{may}{port}" },
    'verify.example' => { next_hop => "smtp://127.0.0.1:$sink{may}{port}", more => 'tls = verify; tls_name = out.provider.example' },
    'wrong.example'  => { next_hop => "smtp://127.0.0.1:$sink{may}{port}", more => 'tls = verify; tls_name = other.example' },
    'lmtp.example'   => { next_hop => "lmtp://127.0.0.1:$sink{lmtp}{port}" },
    'secret.example' => { next_hop => "lmtp://127.0.0.1:$sink{lmtp}{port}", more => 'tls = must' },
    'broken.example' => { next_hop => "smtp://127.0.0.1:$sink{broken}{port}" },
    'else.example'   => { next_hop => "smtp://127.0.0.1:$provider{plain}{postfix}{port}", more => "$in; source = 127.0.0.10; helo = in.ours.example" },
);
$domains{$_}{recipients} = ["x\@$_"] for keys %domains;
my $gateway = smarthost_gateway(
    undef, %by_mx, ( map { ( $_ => $login{$_} ) } qw(login password_file tls) ), source => '{ }',
    next_hop => $provider,
    resolver => $dns->settings,
    domains  => \%domains,
    sections => "route four.example { next_hop = mx; tls = may }\n"
      . "route .four.example { next_hop = smtp://127.0.0.2:$port; tls = may; source = 127.0.0.9; helo = route.ours.example }\n"
      . "route nobody.example { next_hop = { smtp://nobody.example:25, smtp://mx.four.example:$port }; tls = may }\n"
)->start;
my @go = (
    [ 'h@provided.example',  qr/^out\.provider\.example \[127\.0\.0\.1\]:\d+, TLSv1\.3, certificate verified\z/, 'a server by its name' ],
    [ 'x@four.example',      qr/^mx\.four\.example \[127\.0\.0\.2\]:$port\z/,  'a route by MX past the server for all' ],
    [ 'x@a.four.example',    qr/^smtp:\/\/127\.0\.0\.2:$port\z/,               'a route for what lies below a domain' ],
    [ 'x@nobody.example',    qr/^mx\.four\.example \[127\.0\.0\.2\]:$port\z/,  'the second server of a route, the first having no address' ],
    [ 'x@may.example',       qr/, TLSv1\.3\z/,                                 'a next hop of ours: TLS where it is offered' ],
    [ 'x@verify.example',    qr/, TLSv1\.3, certificate verified\z/,           '… the right certificate' ],
    [ 'x@lmtp.example',      qr/^lmtp:\/\/127\.0\.0\.1:\d+\z/,                 '… LMTP on this machine: in clear' ],
    [ 'x@secret.example',    qr/^lmtp:.*, TLSv1\.3\z/,                         '… unless it must be otherwise' ],
    [ 'x@broken.example',    qr/^smtp:\/\/127\.0\.0\.1:\d+\z/,                 '… in clear where TLS does not work' ],
    [ 'x@else.example',      qr/, TLSv1\.3, certificate verified\z/,           '… with a login' ],
);
my %id = map { ( $_->[0] => put( $_->[0] ) ) } @go, ['x@wrong.example'];
for my $case (@go) {
    my ( $to, $relay, $what ) = @$case;
    my $outcome = becomes( $gateway, $id{$to}, 'delivered' );
    is( $outcome->{state}, 'delivered', $what ) or diag explain $outcome;
    like( $outcome->{relay} // '', $relay, '… as the journal says' );
}
my $wrong = becomes( $gateway, $id{'x@wrong.example'}, 'deferred' );
like( $wrong->{detail} // '', qr/^4\.7\.5 its certificate must be valid \(tls = verify\): .*hostname mismatch/i, '… another name: it waits, and why' );
is( scalar( $sink{may}->messages('x@wrong.example') ), 0, '… and nothing was sent' );
wait_until( 20, sub { $ours->messages('x@a.four.example') && $ours->messages('x@else.example') && $ours->messages('h@provided.example') } );
like( ( $ours->messages('x@a.four.example') )[0], qr/^Received: from route\.ours\.example \(.*\[127\.0\.0\.9\]\)/m, 'the route says its name, and comes from its address' );
like( ( $ours->messages('x@else.example') )[0], qr/^Received: from in\.ours\.example \(.*\[127\.0\.0\.10\]\)/m, 'so does the way to our own domain' );
like( ( $ours->messages($_) )[0], qr/Authenticated sender: gateway/, "Postfix says who logged in: $_" ) for qw(x@else.example h@provided.example);
is( $gateway->stop, 0, 'the gateway ends as it should' );

$_->stop for $mx, $dns, $ours, values %sink, map { values %$_ } values %provider;
done_testing();
