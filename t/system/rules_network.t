#!/usr/bin/perl
# Rules that ask the DNS, from the name server to the delivered header: links, clients and senders
# that lists hold score; a list that is dead, refuses us or holds everybody is switched off, the
# others go on, and it comes back.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Mail qw(header_of letter);
use Poterne::Process qw(wait_until);

plan skip_all => Poterne::Dns->missing if Poterne::Dns->missing;
my $to = 'jean@net.example';
my $root = tempdir( 'poterne-network-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
Poterne::Gateway::write_file( "$root/net.cf", <<'END' );
util_rb_tld      com example
urirhsbl         URI_LISTED  uri.test. A
body             URI_LISTED  eval:check_uridnsbl('URI_LISTED')
score            URI_LISTED  2.5
urirhssub        URI_BITS    bits.test. A 4
body             URI_BITS    eval:check_uridnsbl('URI_BITS')
score            URI_BITS    1.5
urirhsbl         URI_DEAD    dead.test. A
body             URI_DEAD    eval:check_uridnsbl('URI_DEAD')
score            URI_DEAD    9
urirhsbl         URI_ALL     all.test. A
body             URI_ALL     eval:check_uridnsbl('URI_ALL')
score            URI_ALL     9
header           IP_LISTED   eval:check_rbl('ip-lastexternal', 'ip.test.')
score            IP_LISTED   1.2
header           IP_REFUSED  eval:check_rbl('refused-lastexternal', 'refused.test.')
score            IP_REFUSED  9
askdns           ASK_LISTED  _AUTHORDOMAIN_.ask.test A 127.0.0.2
score            ASK_LISTED  0.7
END

my @working = (
    'test.uri.test. A 127.0.0.2',
    'bad.example.uri.test. A 127.0.0.2',
    '2.0.0.127.bits.test. A 127.0.0.14',
    'bad.example.bits.test. A 127.0.0.6',
    '2.0.0.127.ip.test. A 127.0.0.2',
    '9.2.0.192.ip.test. A 127.0.0.4',
    'author.example.ask.test. A 127.0.0.2',
    map( {"$_.all.test. A 127.0.0.2"} qw(test invalid 2.0.0.127 1.0.0.127 bad.example good.example) ),
    map( {"$_.refused.test. A 127.255.255.254"} qw(2.0.0.127 1.0.0.127 9.2.0.192) ),
);
my $died = 'bad.example.dead.test. A 127.0.0.2';    # it lists, and has no test entry
my $dns = Poterne::Dns->new( folder => "$root/dns", records => [ @working, $died ] )->start;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        gate     => { xclient_from => '{ 127.0.0.1 }' },
        resolver => $dns->settings,
        spam     => { rules => qq({ "$root/net.cf" }) },
        content  => { workers => 1 },
    },
    domains => { 'net.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;

my $sent = 0;

# The tests of X-Spam-Status of a message as it was delivered: { name => points }.
sub tests_of {
    my (%of) = @_;
    my $subject = 'number ' . ++$sent;
    my $mail = letter( $to, $subject, "See http://www.$of{link}/page\n" );
    $mail =~ s/^From: .*/From: $of{from}/m if $of{from};
    my $smtp = $gateway->smtp;
    $smtp->command("XCLIENT ADDR=$of{ip}") if $of{ip};
    $smtp->hello if $of{ip};
    my $result = $smtp->send( from => 'x@sender.example', to => [$to], data => \$mail );
    is( $result->{code}, 250, "$subject: taken" ) or diag( explain($result) );
    $smtp->quit;
    my $delivered;
    wait_until( 20,
        sub { ($delivered) = grep { ( header_of( $_, 'Subject' ) // '' ) =~ /$subject$/ } Poterne::Gateway::maildir_messages( { root => $root }, $to ) } );
    my $status = header_of( $delivered // '', 'X-Spam-Status' ) // '';
    $status =~ s/\s+//g;
    my ($tests) = $status =~ /tests=([^;]*?)(?:autolearn|$)/;
    return { map { /^(\w+)=(-?[\d.]+)$/ ? ( $1 => $2 ) : () } split /,/, $tests // '' };
}

is_deeply(
    tests_of( link => 'bad.example', ip => '192.0.2.9', from => 'A <a@author.example>' ),
    { URI_LISTED => '2.5', URI_BITS => '1.5', IP_LISTED => '1.2', ASK_LISTED => '0.7' },
    'a link, a client and an author that lists hold; lists that can not be believed say nothing'
);
is_deeply( tests_of( link => 'good.example', ip => '192.0.2.10', from => 'B <b@other.example>' ), {}, 'what no list holds' );
my $log = $gateway->log_text;
like( $log, qr/rules: list dead\.test is switched off .*test entry/, 'the log tells of one that is dead' );
like( $log, qr/rules: list all\.test is switched off .*everybody/, 'of one that holds everybody' );
like( $log, qr/rules: list refused\.test is switched off .*refuses us/, 'of one that refuses us' );
unlike( $log, qr/list (?:uri|bits|ip)\.test is switched/, 'and of no other' );
my ($trace) = ( $gateway->poterne( 'trace', 'x@sender.example' ) )[1];
like( $trace, qr/URI_LISTED/, '`poterne trace` names what hit' );

# A working list goes away and the dead one comes back: seen when their time comes, here with a reload.
$dns->records( ( grep { !/\.uri\.test/ } @working ), $died, 'test.dead.test. A 127.0.0.2', 'bad.example.uri.test. A 127.0.0.2' );
$dns->reload;
ok( $gateway->reload, 'a reload: each list is tried anew' );
my $tests;
for ( 1 .. 8 ) {    # the resolver still remembers what the lists said, for their time to live
    $tests = tests_of( link => 'bad.example' );
    last if $tests->{URI_DEAD} && !$tests->{URI_LISTED};
    sleep 2;
}
ok( $tests->{URI_DEAD}, 'the list that was dead serves' ) or diag( explain($tests) );
ok( !$tests->{URI_LISTED}, 'the one that died is switched off, though it still says something' ) or diag( explain($tests) );
ok( $tests->{URI_BITS}, 'others go on' );
is( $gateway->stop, 0, 'the gateway ends well' );
$dns->stop;
done_testing();
