#!/usr/bin/perl
# What a sender asks of notices (RFC 3461): passed on where the next hop can do it, else done here. Postfix is the
# next hop that can; Python's smtplib asks, its email package reads the notices.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Postfix;
use Poterne::Process qw(command_output free_port wait_until);
use Poterne::Sink;

plan skip_all => 'Postfix is not installed, or not run by root' if !Poterne::Postfix::there();
plan skip_all => 'python3 is not installed' if !-x '/usr/bin/python3';
plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();

my ( $INSIDE, $OUTSIDE ) = ( '127.0.0.1', '127.0.0.9' );
my $ME   = 'me@home.example';
my $root = tempdir( 'poterne-dsn-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

my @certificate = ( '-keyout', "$root/key.pem", '-out', "$root/cert.pem" );
my ( $failed, $why ) =
    command_output( qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mx.poterne.example), @certificate );
plan skip_all => "openssl makes no certificate: $why" if $failed;

my $lmtp = Poterne::Sink->start( root => "$root/lmtp" );
my $smtp = Poterne::Sink->start( root => "$root/smtp", smtp => 1 );
my $dns  = Poterne::Dns->new( folder => "$root/dns", records => [qq(sender.example. TXT "v=spf1 ip4:$OUTSIDE -all")] )->start;
my ( $postfix_port, $down_port ) = ( free_port(), free_port() );
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        antivirus => { engines => '{ }' },
        bounces   => { delay_warning => '3s', original_limit => '1M' },
        gate      => { inside => "{ $INSIDE }" },
        outside   => { next_hop => qq("smtp://127.0.0.1:$smtp->{port}") },
        queue     => { free_space_min => '0', retry_first => '1s', retry_max => '1s', lifetime => '1h' },
        resolver  => $dns->settings,
        smtp      => { tls_certificate => qq("$root/cert.pem"), tls_key => qq("$root/key.pem") },
    },
    domains => {
        'home.example' => {
            next_hop   => Poterne::Gateway::maildir_hop("$root/gateway"),
            recipients => [ map { "$_\@home.example" } qw(me you him her boss) ],
            more       => 'language = fr',
        },
        'lmtp.example' => {
            next_hop   => "lmtp://127.0.0.1:$lmtp->{port}",
            recipients => [ ( map { "$_\@lmtp.example" } qw(a never never-2 never-3 later-3 later-7 later-8) ), 'away@lmtp.example -> x@lab.example' ],
            more       => 'redirect_only_to = { lab.example }',
        },
        'plain.example' => { next_hop => "smtp://127.0.0.1:$smtp->{port}",  recipients => ['b@plain.example'] },
        'down.example'  => { next_hop => "smtp://127.0.0.1:$down_port",     recipients => [ map { "$_\@down.example" } qw(c d) ] },
        'dsn.example'   => { next_hop => "smtp://127.0.0.1:$postfix_port",  recipients => [ 'good@dsn.example', 'gone@dsn.example' ] },
    }
);
my $behind  = Poterne::Sink->start( root => "$root/behind" );
my $postfix = Poterne::Postfix->start(
    root       => "$root/postfix",
    port       => $postfix_port,
    domain     => 'dsn.example',
    recipients => ['good@dsn.example'],
    sink       => $behind->{port},
    protocol   => 'lmtp',
    more       => "relayhost = [127.0.0.1]:$gateway->{port}",
);
$gateway->start;

# Sends as a client in Python does: returns the id.
my $CLIENT = <<'PYTHON';
import json, smtplib, sys
mail = json.load(sys.stdin)
smtp = smtplib.SMTP('127.0.0.1', mail['port'], source_address=(mail['local'], 0))
smtp.ehlo()
if mail['tls']:
    smtp.starttls()
    smtp.ehlo()
dsn = smtp.has_extn('dsn')
refused = {}
code, text = smtp.mail(mail['from'], mail['options'])
if code == 250:
    for address, options in mail['to']:
        got = smtp.rcpt(address, options)
        if got[0] != 250:
            refused[address] = got[0]
    if mail['to']:
        code, text = smtp.data(mail['text'].encode())
smtp.quit()
print(json.dumps({'dsn': dsn, 'code': code, 'text': text.decode(), 'refused': refused}))
PYTHON

sub python {
    my ( $input, @command ) = @_;
    my $pid = open2( my $out, my $in, '/usr/bin/python3', @command );
    binmode $_ for $in, $out;
    print {$in} $input;
    close $in;
    my $json = do { local $/; <$out> };
    waitpid $pid, 0;
    return eval { JSON::PP->new->decode($json) } // {};
}

sub post {
    my ( $options, $to, %more ) = @_;
    my %mail = (
        port    => 0 + $gateway->{port},
        local   => $more{local} // $INSIDE,
        tls     => $more{tls} ? 1 : 0,
        from    => $more{from} // $ME,
        options => $options,
        to      => $to,
        text    => ( $more{top} // '' ) . letter( 'people@ours.example', $more{subject} ) =~ s/\r?\n/\r\n/gr
    );
    my $answer = python( JSON::PP->new->encode( \%mail ), '-c', $CLIENT );
    return $answer if $more{answer};
    my ($id) = ( $answer->{text} // '' ) =~ /\b([0-9A-Z]{26})\b/;
    ok( $id && !%{ $answer->{refused} }, "taken: @$options, " . join ' ', map { "$_->[0] @{ $_->[1] }" } @$to ) or diag( explain($answer) );
    return $id;
}

sub outcomes {
    my ( $id, %states ) = @_;
    my %last;
    wait_until(
        60,
        sub {
            my ($message) = $gateway->poterne_json( 'trace', $id );
            %last = map { ( $_->{address} => $_->{outcomes}[-1] // {} ) } @{ $message->{recipients} // [] };
            return !grep { ( $last{$_}{state} // '' ) ne $states{$_} } keys %states;
        }
    );
    is( $last{$_}{state}, $states{$_}, "$_ is $states{$_}" ) for sort keys %states;
    return \%last;
}

# The notices in a mailbox, those that were there before left out, once there are so many.
my %seen;

sub new_notices {
    my ( $wanted, $mailbox ) = @_;
    $mailbox //= $ME;
    my $known = $seen{$mailbox} //= {};
    my @new;
    wait_until( 45, sub { @new = grep { !$known->{$_} } $gateway->maildir_messages($mailbox); @new >= $wanted } );
    $known->{$_} = 1 for @new;
    is( scalar @new, $wanted, "$mailbox gets $wanted" );
    return map { python( $_, 't/system/dsn.py' ) } @new;
}

# { recipient's part of Final-Recipient => fields }
sub by_recipient {
    my ($notice) = @_;
    return { map { ( $_->{'final-recipient'} =~ s/^rfc822; //r => $_ ) } @{ $notice->{recipients} // [] } };
}

my $DATE = qr/^\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/;

# --- whom it is offered ---

my $answer = post( [], [], answer => 1 );
ok( $answer->{dsn}, 'from inside DSN is offered' );
$answer = post( ['RET=HDRS'], [], answer => 1, local => $OUTSIDE );
ok( !$answer->{dsn}, '… to others it is not' );
is( $answer->{code}, 555, '… nor taken from them' );

# --- what got there ---

my $id = post(
    [ 'RET=FULL', 'ENVID=QQ+2B1' ],
    [
        [ 'you@home.example', [ 'NOTIFY=SUCCESS',       'ORCPT=rfc822;You+2BX@home.example' ] ],
        [ 'a@lmtp.example',   [ 'NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;a@lmtp.example' ] ],
        [ 'b@plain.example',  ['NOTIFY=FAILURE,SUCCESS'] ],
        [ 'him@home.example', ['NOTIFY=FAILURE'] ],
        [ 'her@home.example', [] ],
    ],
    subject => 'Asked'
);
my ($notice) = new_notices(1);
my $of = by_recipient($notice);
is_deeply( [ sort keys %$of ], [qw(a@lmtp.example b@plain.example you@home.example)], 'told of those three alone, at once' );
is( $of->{'you@home.example'}{action}, 'delivered', 'into a Maildir: delivered' );
is( $of->{'a@lmtp.example'}{action}, 'delivered', 'by LMTP: delivered' );
is( $of->{'b@plain.example'}{action}, 'relayed', 'to a server without DSN: relayed' );
is( $of->{'you@home.example'}{'original-recipient'}, 'rfc822; You+X@home.example', 'Original-Recipient' );
is( $of->{'b@plain.example'}{'original-recipient'}, undef, '… where it was said' );
like( $_->{status}, qr/^2\.\d\.\d$/, 'Status of the class 2' ) for values %$of;
is( $of->{'a@lmtp.example'}{'remote-mta'}, 'dns; [127.0.0.1]', 'Remote-MTA' );
is( $notice->{message}{'original-envelope-id'}, 'QQ+1', 'Original-Envelope-Id' );
is( $notice->{types}[2], 'text/rfc822-headers', 'of what got there the header comes back, whatever RET says' );
is( $notice->{header}{subject}, 'Avis de remise : Asked', 'its subject' );
is( $notice->{header}{'message-id'}, "<$id.0.s\@mx.poterne.example>", 'an id that stays' );
is( $notice->{header}{'auto-submitted'}, 'auto-replied', 'nobody\'s program answers it' );
like( $notice->{text}, qr/Il a été remis/, 'words for people' );
is_deeply( $notice->{defects}, [], 'Python finds no defect' );
ok( $gateway->wait_for_empty_queue, 'nothing is left in the queue' );

# --- what failed ---

post( [ 'RET=HDRS', 'ENVID=2' ], [ [ 'never@lmtp.example', [ 'NOTIFY=FAILURE', 'ORCPT=rfc822;old@lmtp.example' ] ] ] );
($notice) = new_notices(1);
is( $notice->{types}[2], 'text/rfc822-headers', 'RET=HDRS: the header comes back' );
is( $notice->{message}{'original-envelope-id'}, '2', '… Original-Envelope-Id' );
is( $notice->{recipients}[0]{action}, 'failed', '… failed' );
is( $notice->{recipients}[0]{'original-recipient'}, 'rfc822; old@lmtp.example', '… Original-Recipient' );
$id = post( [], [ [ 'never@lmtp.example', ['NOTIFY=NEVER'] ], [ 'never-2@lmtp.example', ['NOTIFY=SUCCESS,DELAY'] ], [ 'never-3@lmtp.example', [] ] ] );
($notice) = new_notices(1);
is_deeply( [ keys %{ by_recipient($notice) } ], ['never-3@lmtp.example'], 'who did not ask for it hears of no failure' );
is( $notice->{types}[2], 'message/rfc822', 'without RET the message comes back' );
my $last = outcomes( $id, map { ( "$_\@lmtp.example" => 'failed' ) } qw(never never-2 never-3) );
like( $last->{"$_\@lmtp.example"}{detail}, qr/^its sender asked not to be told \(NOTIFY\): 550/, "… $_ says why" ) for qw(never never-2);
ok( $gateway->wait_for_empty_queue, 'nothing is left in the queue' );
is( scalar $gateway->spooled('quarantine'), 0, '… nor held' );

# thousands of fields are no reason not to tell of it
post( [], [ [ 'never@lmtp.example', [] ] ], top => "TLS-Required: No\r\n" . join '', map { "X-Field-$_: a\r\n" } 1 .. 9000 );
($notice) = new_notices(1);
is( $notice->{types}[2], 'message/rfc822', 'of a message with 9000 fields, too' );
is( $notice->{header}{'tls-required'}, 'No', 'what is to get there rather without proof is told so, too' );

# --- passed on ---

post( [ 'RET=HDRS', 'ENVID=3+2B4' ], [ [ 'good@dsn.example', [ 'NOTIFY=SUCCESS', 'ORCPT=rfc822;old+2Bgood@dsn.example' ] ] ] );
($notice) = new_notices(1);
is( $notice->{message}{'reporting-mta'}, 'dns; postfix.bench.example', 'Postfix, which can, was asked to tell' );
is( $notice->{message}{'original-envelope-id'}, '3+4', '… with ENVID' );
is( $notice->{recipients}[0]{'original-recipient'}, 'rfc822;old+good@dsn.example', '… and ORCPT' );
like( $notice->{recipients}[0]{action}, qr/^(?:delivered|relayed)/, '… and told' );
post( [], [ [ 'good@dsn.example', ['NOTIFY=NEVER'] ], [ 'good@dsn.example', [] ] ] );
ok( $gateway->wait_for_empty_queue, 'nothing is left in the queue' );
new_notices(0);

# --- who waits ---

$id = post(
    ['ENVID=5'],
    [ [ 'later-7@lmtp.example', [] ], [ 'later-8@lmtp.example', ['NOTIFY=FAILURE,SUCCESS'] ], [ 'c@down.example', [] ] ],
    subject => 'Late'
);
($notice) = new_notices(1);
$of = by_recipient($notice);
is_deeply( [ sort keys %$of ], [qw(c@down.example later-7@lmtp.example)], 'told that they wait, but for one whom nobody asked of' );
is( $_->{action}, 'delayed', 'Action' ) for values %$of;
like( $_->{status}, qr/^4\.\d\.\d$/, 'Status of the class 4' ) for values %$of;
like( $_->{'will-retry-until'}, $DATE, 'Will-Retry-Until' ) for values %$of;
like( $of->{'later-7@lmtp.example'}{'diagnostic-code'}, qr/^smtp; 451 4\.2\.0 Later/, 'Diagnostic-Code' );
is( $notice->{message}{'original-envelope-id'}, '5', 'Original-Envelope-Id' );
is( $notice->{header}{subject}, 'Retardé : Late', 'its subject' );
like( $notice->{text}, qr/Les tentatives continuent jusqu'au/, 'words for people' );
outcomes( $id, 'later-7@lmtp.example' => 'delivered', 'later-8@lmtp.example' => 'delivered', 'c@down.example' => 'deferred' );
($notice) = new_notices(1);
is_deeply( [ map { "$_->{'final-recipient'} $_->{action}" } @{ $notice->{recipients} } ], ['rfc822; later-8@lmtp.example delivered'], 'who asked hears that it got there' );
$gateway->crash;
$gateway->start;
sleep 5;
new_notices(0);    # it waits still; one notice was enough
is( scalar $gateway->spooled('queue'), 1, '… and is tried on' );

# --- redirected ---

$id = post( ['ENVID=6'], [ [ 'away@lmtp.example', [ 'NOTIFY=SUCCESS', 'ORCPT=rfc822;away@lmtp.example' ] ] ] );
($notice) = new_notices(1);
is_deeply(
    [ map { "$_->{'final-recipient'} $_->{action}" } @{ $notice->{recipients} } ],
    ['rfc822; away@lmtp.example expanded'],
    'redirected: who was written to is named'
);
unlike( JSON::PP->new->encode($notice), qr/lab\.example/, '… and not where it went' );
ok( wait_until( 20, sub { $smtp->messages('x@lab.example') == 1 } ), '… where it is' );

# --- others ---

$id = post( [], [ [ 'never@lmtp.example', [] ] ], local => $OUTSIDE );
outcomes( $id, 'never@lmtp.example' => 'held' );
new_notices(0);

# --- REQUIRETLS (RFC 8689 5): a bounce goes as the message was to go ---

$id   = post( ['REQUIRETLS'], [ [ 'never@lmtp.example', [] ] ], from => 'b@plain.example', tls => 1 );
$last = outcomes( $id, 'never@lmtp.example' => 'failed' );
my ($bounce) = $last->{'never@lmtp.example'}{detail} =~ /told by ([0-9A-Z]{26})/;
outcomes( $bounce // '', 'b@plain.example' => 'delivered' );    # over a network of ours

# --- killed before the notice is in the queue ---

my $incoming = "$root/gateway/state/incoming";
my $mode = ( stat $incoming )[2] & oct 7777;
$id = post( [], [ [ 'later-3@lmtp.example', ['NOTIFY=SUCCESS'] ], [ 'you@home.example', ['NOTIFY=SUCCESS'] ] ], from => 'boss@home.example' );
chmod 0500, $incoming;    # no mail of ours can be made
outcomes( $id, 'later-3@lmtp.example' => 'delivered', 'you@home.example' => 'delivered' );
ok( $gateway->wait_for_log(qr/$id: its sender can't be told yet/), 'a notice that can\'t be stored is said' );
ok( ( grep { $_ eq $id } $gateway->spooled('queue') ), '… and the message stays' );
$gateway->crash;
chmod $mode, $incoming;
$gateway->start;
my ($own) = new_notices( 1, 'boss@home.example' );
is( $own->{header}{'message-id'}, "<$id.0.s\@mx.poterne.example>", 'killed before: told once, behind the restart' );
is( scalar @{ $own->{recipients} }, 2, '… of both' );
is( scalar( () = $lmtp->messages('later-3@lmtp.example') ), 1, '… and not delivered again' );
ok( wait_until( 30, sub { $gateway->spooled('queue') == 1 } ), 'what waits for a server that is down is left in the queue' );
is( $gateway->stop, 0, 'the gateway ends' );
$_->stop for $lmtp, $smtp, $behind, $postfix, $dns;
done_testing();
